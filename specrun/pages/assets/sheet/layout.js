// Tiles laid out: as a wall that wraps, or as a plot of two facets; both in sections where a third facet splits them.
// Every height is known before anything is drawn, so that nothing jumps.

const GAP = 14;
const CAPTION = 46;
const SLIM = 640;
// More than this at once helps nobody; the rest is a click away.
const MOST = 6000;

let visible = [];
let rows = [];
let limit = MOST;

function lay() {
  const found = matching();
  visible = found.slice(0, limit);
  rows = [];
  const sections = parts(visible, view.split && facetNamed.get(view.split));
  const drawn = sections.map(([title, part]) => section(title, part));
  const rest = found.length - visible.length;
  if (rest) drawn.push(more(rest));
  if (!found.length) drawn.push(el("p", { class: "nothing" }, "Nothing matches. Esc clears the search and the filters."));
  byId("sections").replaceChildren(...drawn);
  tell(found.length);
}

function tell(number) {
  const all = number === tiles.length;
  const every = counted(tiles.length, sheet.noun);
  byId("count").textContent = all ? every : `${number.toLocaleString("en")} of ${every}`;
}

function more(rest) {
  const button = el("button", { type: "button", class: "more" }, `Show ${Math.min(rest, MOST).toLocaleString("en")} more of ${rest.toLocaleString("en")}`);
  button.addEventListener("click", () => {
    limit += MOST;
    lay();
  });
  return button;
}

// Tiles by their value on a facet, in its order; those without one come last.
function parts(found, facet) {
  if (!facet) return [["", found]];
  const parted = new Map(facet.values.map((value) => [value, []]));
  const without = [];
  for (const tile of found) (parted.get(facet.values[placeOf(tile, facet)]) ?? without).push(tile);
  return [...parted, ["—", without]].filter(([, part]) => part.length);
}

function section(title, part) {
  const body = view.layout === "plot" && (view.x || view.y) ? plot(part) : wall(part);
  if (!title) return body;
  const heading = el("h2", {}, el("span", {}, view.split), " ", el("bdi", {}, shown(title)), " ", el("small", {}, counted(part.length, sheet.noun)));
  return el("section", {}, heading, body);
}

const room = () => byId("main").clientWidth - (innerWidth < SLIM ? 24 : 48);

function wall(part) {
  const list = el("ul", { class: "wall", role: "list" });
  const said = new Set(view.split ? [view.split] : []);
  const { columns, height } = measures(room(), wanted());
  list.style.setProperty("--columns", columns);
  list.style.setProperty("--height", `${height}px`);
  list.append(...part.map((tile) => labelled(tile, said)));
  for (let start = 0; start < part.length; start += columns) rows.push(part.slice(start, start + columns));
  return list;
}

function labelled(tile, said) {
  const item = tileElement(tile);
  relabel(item, tile, said);
  return item;
}

// The width a tile would like to have: what was asked for, else what suits the screen and the number of tiles.
function wanted() {
  const base = view.size || (innerWidth < SLIM ? 150 : visible.length > 400 ? 180 : visible.length > 24 ? 220 : 280);
  return sheet.pairs ? base * 1.6 : base;
}

function measures(width, tile) {
  const columns = Math.max(1, Math.floor((width + GAP) / (tile + GAP)));
  const each = (width - GAP * (columns - 1)) / columns;
  return { columns, each, height: wellHeight(each) + CAPTION };
}

const wellHeight = (width) => Math.round(sheet.pairs ? (width - 2) / 2 / sheet.ratio : width / sheet.ratio);
