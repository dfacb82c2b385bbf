// How the page is looked at right now. All of it stands in the address after #, so that a link brings it back.

const SORTS = new Map([
  ["spec", { label: "Spec order", value: (tile) => tile.number }],
  ["distance", { label: "How much changed", value: (tile) => -(tile.distance ?? (tile.before ? 0 : -1)) }],
  ["address", { label: "Address", value: (tile) => tile.address }],
  ["prompt", { label: "Prompt", value: (tile) => tile.prompt }],
  ["model", { label: "Model", value: (tile) => tile.model ?? "" }],
  ["seed", { label: "Seed", value: (tile) => tile.seed ?? -1 }],
]);
const MODES = ["side", "slider", "blink", "difference"];

function defaults() {
  const axes = sheet.facets.filter((facet) => facet.axis && facet.name !== "job");
  const split = [sheet.split, "job"].find((name) => facetNamed.get(name)?.values.length <= 12) ?? "";
  const plain = !split && axes.length > 1 && axes.every((axis) => axis.values.length < 50) && !sheet.pairs;
  const [wide, tall] = across(axes.slice(0, 2));
  return {
    layout: plain ? "plot" : "wall",
    x: wide?.name ?? "",
    y: tall?.name ?? "",
    split,
    sort: sheet.pairs ? "distance" : "spec",
    size: 0,
    q: "",
    open: "",
    mode: "side",
    filters: new Map(),
  };
}

// Screens are wide: the longer of two axes goes across while it fits, else the shorter.
function across([one, other]) {
  if (!other) return [one];
  const [less, more] = one.values.length < other.values.length ? [one, other] : [other, one];
  return more.values.length <= 8 ? [more, less] : [less, more];
}

const usual = defaults();
let view = usual;

function readView() {
  const said = new URLSearchParams(location.hash.slice(1));
  const facet = (name) => (facetNamed.has(said.get(name)) || said.get(name) === "" ? said.get(name) : usual[name]);
  const among = (name, known) => (known.includes(said.get(name)) ? said.get(name) : usual[name]);
  const filters = new Map();
  for (const { name, values } of sheet.facets) {
    const chosen = said.getAll(`is.${name}`).filter((value) => values.includes(value));
    if (chosen.length) filters.set(name, new Set(chosen));
  }
  view = {
    layout: among("layout", ["wall", "plot"]),
    x: facet("x"),
    y: facet("y"),
    split: facet("split"),
    sort: among("sort", [...SORTS.keys()]),
    size: Math.min(Math.max(Number.parseInt(said.get("size"), 10) || 0, 0), 640),
    q: said.get("q") ?? "",
    open: tileNamed.has(said.get("open")) ? said.get("open") : "",
    mode: among("mode", MODES),
    filters,
  };
}

function hashOfView() {
  const said = new URLSearchParams();
  for (const [name, value] of Object.entries(view)) {
    if (name !== "filters" && value !== usual[name]) said.set(name, value);
  }
  for (const [name, chosen] of view.filters) for (const value of chosen) said.append(`is.${name}`, value);
  return `#${said}`;
}

// Opening an image makes a new entry in the history, so that "back" closes it; everything else replaces the entry.
function change(changed, { push = false } = {}) {
  Object.assign(view, changed);
  history[push ? "pushState" : "replaceState"](null, "", hashOfView());
}

function matching() {
  const words = view.q.toLowerCase().split(/\s+/).filter(Boolean);
  const filters = [...view.filters].map(([name, chosen]) => {
    const facet = facetNamed.get(name);
    return [facet, new Set([...chosen].map((value) => facet.values.indexOf(value)))];
  });
  const found = tiles.filter(
    (tile) =>
      filters.every(([facet, chosen]) => chosen.has(placeOf(tile, facet))) &&
      words.every((word) => haystack(tile).includes(word)),
  );
  const { value } = SORTS.get(view.sort);
  if (view.sort !== "spec") {
    const keys = new Map(found.map((tile) => [tile, value(tile)]));
    found.sort((one, other) => {
      const [a, b] = [keys.get(one), keys.get(other)];
      return (a > b) - (a < b) || one.number - other.number;
    });
  }
  return found;
}
