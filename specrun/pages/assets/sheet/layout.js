// Tiles laid out: as a wall that wraps, or as a plot of two facets; both in sections where a third facet splits them.
// Every height is known before anything is drawn, so that nothing jumps; and what is far from view is drawn later.

const GAP = 14;
const CAPTION = 46;
const SLIM = 640;
// So many tiles are drawn at once; more would be felt.
const EAGER = 300;

let visible = [];
let rows = [];
let drawn = 0;
const undrawn = new Map();

// Browsers load file: and data: images at once, however lazy they are asked to be; so this is done by hand.
const nearby = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => appear(entry.target)),
  { root: byId("main"), rootMargin: "1200px 600px" },
);

function lay() {
  const found = matching();
  rows = [];
  drawn = 0;
  undrawn.clear();
  nearby.disconnect();
  const sections = parts(found, view.split && facetNamed.get(view.split));
  const laid = sections.map(([title, part]) => section(title, part, found.length));
  visible = rows.flatMap((row) => row.tiles);
  const nothing = "Nothing matches. Esc clears the search and the filters.";
  byId("sections").replaceChildren(...(found.length ? laid : [el("p", { class: "nothing" }, nothing)]));
  byId("count").textContent = countOf(found);
}

function countOf(found) {
  if (found.length === tiles.length) return tally(tiles);
  const some = `${figure(found.length)} of ${figure(tiles.length)}`;
  return tiles.every(isMade) ? `${some} ${sheet.noun}s` : `${some}: ${tally(found)}`;
}

// Lets a part of the page be drawn: now where there is little yet, else when it comes near.
function draw(element, count, make) {
  if (drawn < EAGER) make();
  else undrawn.set(element, make);
  drawn += count;
  nearby.observe(element);
}

function appear(element) {
  nearby.unobserve(element);
  undrawn.get(element)?.();
  undrawn.delete(element);
  loadAll(element);
}

// The tile's link, drawn if it was not yet.
function linkOf(tile) {
  const row = rows.find((each) => each.tiles.includes(tile));
  if (row) appear(row.element);
  return made[tile.number]?.querySelector("a");
}

// Tiles by their value on a facet, in its order; those without one come last.
function parts(found, facet) {
  if (!facet) return [["", found]];
  const parted = new Map(facet.values.map((value) => [value, []]));
  const without = [];
  for (const tile of found) (parted.get(facet.values[placeOf(tile, facet)]) ?? without).push(tile);
  return [...parted, ["—", without]].filter(([, part]) => part.length);
}

function section(title, part, all) {
  const body = view.layout === "plot" && (view.x || view.y) ? plot(part) : wall(part, all);
  if (!title) return body;
  const many = el("small", {}, tally(part));
  const heading = el("h2", {}, el("span", {}, label(view.split)), " ", el("bdi", {}, shown(title)), " ", many);
  return el("section", {}, heading, body);
}

const room = () => byId("main").clientWidth - (innerWidth < SLIM ? 24 : 48);

// A wall is drawn in strips of some rows each.
const STRIP = 5;

function wall(part, all) {
  const said = new Set(view.split ? [view.split] : []);
  const { columns, height } = measures(room(), wanted(all));
  const strips = el("div", { class: "strips" });
  strips.style.setProperty("--columns", columns);
  strips.style.setProperty("--height", `${height}px`);
  for (let start = 0; start < part.length; start += columns * STRIP) {
    strips.append(strip(part.slice(start, start + columns * STRIP), columns, height, said));
  }
  return strips;
}

function strip(part, columns, height, said) {
  const list = el("ul", { class: "wall", role: "list" });
  const deep = Math.ceil(part.length / columns);
  list.style.setProperty("height", `${deep * height + (deep - 1) * GAP}px`);
  for (let start = 0; start < part.length; start += columns) {
    rows.push({ tiles: part.slice(start, start + columns), element: list });
  }
  draw(list, part.length, () => list.append(...part.map((tile) => labelled(tile, said))));
  return list;
}

// The width a tile would like to have: what was asked for, else what suits the screen and the number of tiles.
function wanted(all) {
  const base = view.size || (innerWidth < SLIM ? 150 : all > 400 ? 180 : all > 24 ? 220 : 280);
  return sheet.pairs ? base * 1.6 : base;
}

function measures(width, tile) {
  const columns = Math.max(1, Math.floor((width + GAP) / (tile + GAP)));
  const each = (width - GAP * (columns - 1)) / columns;
  return { columns, each, height: wellHeight(each) + CAPTION };
}

const wellHeight = (width) => Math.round(sheet.pairs ? (width - 2) / 2 / sheet.ratio : width / sheet.ratio);
