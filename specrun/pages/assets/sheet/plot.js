// The X/Y plot: a table of cells, one facet across and one down. Cells hold what the other facets leave.

function plot(part) {
  const across = lines(part, view.x);
  const down = lines(part, view.y === view.x ? "" : view.y);
  const cells = new Map();
  for (const tile of part) {
    const place = `${across.of(tile)} ${down.of(tile)}`;
    if (!cells.has(place)) cells.set(place, []);
    cells.get(place).push(tile);
  }
  const most = [...cells.values()].reduce((found, cell) => Math.max(found, cell.length), 1);
  const size = plotSize(across.places.length, down.places.length, most);
  const table = el("div", { class: "plot", role: "table", "aria-label": `${view.y || "all"} by ${view.x || "all"}` });
  table.style.setProperty("--columns", across.places.length);
  table.style.setProperty("--inner", size.inner);
  table.style.setProperty("--cell", `${size.cell}px`);
  table.style.setProperty("--tall", `${size.tall}px`);
  table.append(head(across));
  for (const place of down.places) table.append(row(place, across, down, cells, size));
  return table;
}

// The values of a facet that occur, in its order, with a last place for tiles that have none.
function lines(part, name) {
  const facet = facetNamed.get(name);
  if (!facet) return { places: [0], of: () => 0, label: () => "", name: "" };
  const there = new Set(part.map((tile) => placeOf(tile, facet)));
  const places = [...facet.values.keys(), -1].filter((place) => there.has(place));
  return { places, of: (tile) => placeOf(tile, facet), label: (place) => facet.values[place] ?? "—", name };
}

function plotSize(columns, deep, most) {
  const slim = innerWidth < SLIM;
  const free = room() - (slim || !view.y ? 0 : 132) - GAP * (columns - 1);
  const least = slim ? 104 : 110;
  // Several tiles in a cell stand beside each other where there is room for them.
  const inner = Math.max(1, Math.min(most, 4, Math.floor(free / columns / (sheet.pairs ? 2 * least : least))));
  const widest = view.size || (sheet.pairs ? 640 : deep > 3 ? 300 : 440);
  const cell = Math.floor(Math.min(Math.max(free / columns, view.size || least), widest * inner));
  const tile = (cell - (inner - 1) * 6) / inner;
  const caption = most > 1 ? CAPTION - 22 : 0;
  const tall = wellHeight(tile) + caption;
  const height = (count) => Math.ceil(count / inner) * (tall + 6) - 6;
  return { cell, inner, tall, height, single: most === 1, slim };
}

function head(across) {
  const down = view.y ? el("span", {}, `${label(view.y)} ↓`) : "";
  const right = view.x ? el("span", {}, `${label(view.x)} →`) : "";
  const names = across.places.map((place) => line(across.label(place), 80));
  return el(
    "div",
    { class: "plot-head", role: "row" },
    el("span", { class: "corner", role: "columnheader" }, down, right),
    ...names.map((name) => el("span", { class: "across", role: "columnheader", dir: "auto" }, name)),
  );
}

function row(place, across, down, cells, size) {
  const found = across.places.map((column) => cells.get(`${column} ${place}`) ?? []);
  const name = down.label(place);
  const about = down.name ? sharedWords(found.flat(), name) : "";
  const more = about ? [" ", el("small", { dir: "auto" }, line(about, 90))] : [];
  const title = el("span", { class: "down", role: "rowheader", dir: "auto" }, el("b", {}, line(name, 80)), ...more);
  const most = Math.max(1, ...found.map((cell) => cell.length));
  const height = size.height(most) + (size.slim && down.name ? 30 : 0);
  const element = el("div", { class: "plot-row", role: "row", "data-deep": height > innerHeight / 2 }, title);
  element.style.setProperty("--height", `${height}px`);
  const held = found.flat();
  rows.push({ tiles: held, element });
  draw(element, held.length, () => element.append(...found.map((cell) => cellElement(cell, size))));
  return element;
}

// What the prompts of a row have in common from their beginning: what a row called SKU-10023 is about. Nothing where it
// is one word, or holds what the row is called anyway.
function sharedWords(held, name) {
  const prompts = [...new Set(held.map((tile) => tile.prompt))].map((prompt) => prompt.split(/\s+/).filter(Boolean));
  if (!prompts.length) return "";
  const [first, ...others] = prompts;
  const until = first.findIndex((word, place) => others.some((words) => words[place] !== word));
  const shared = (until < 0 ? first : first.slice(0, until)).join(" ");
  if (!shared.includes(" ") || shared.toLowerCase().includes(name.toLowerCase())) return "";
  return prompts.length > 1 ? `${shared}…` : shared;
}

function cellElement(cell, size) {
  const said = new Set([view.x, view.y, view.split]);
  const content = cell.length
    ? el("ul", { role: "list" }, ...cell.map((tile) => labelled(tile, said)))
    : el("span", { class: "unseen" }, "no run");
  return el("div", { class: "cell", role: "cell", "data-single": size.single }, content);
}
