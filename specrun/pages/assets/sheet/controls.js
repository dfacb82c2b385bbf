// What the reader can choose: layout, facets, order, size, filters.

const label = (facet) => (facet === "image" ? "Image number" : facet);

function select(name, title, options) {
  const lines = options.map(([value, text]) => el("option", { value }, text));
  const choice = el("select", { id: `choose-${name}` }, ...lines);
  choice.addEventListener("change", () => update({ [name]: choice.value }));
  return el("label", { class: "choice", "data-for": name }, el("span", {}, title), choice);
}

function facetOptions(none) {
  return [["", none], ...sheet.facets.map(({ name }) => [name, shown(label(name))])];
}

function layoutChoice() {
  const options = [
    ["wall", "Wall"],
    ["plot", "Grid"],
  ].map(([value, text]) => {
    const input = el("input", { type: "radio", name: "layout", value });
    input.addEventListener("change", () => update({ layout: value }));
    return el("label", {}, input, el("span", {}, text));
  });
  return el("span", { class: "segments", role: "radiogroup", "aria-label": "Layout" }, ...options);
}

function layoutChoices() {
  return [
    layoutChoice(),
    select("x", "Columns", facetOptions("none")),
    select("y", "Rows", facetOptions("none")),
    select("split", "Split by", facetOptions("nothing")),
  ];
}

function sizeChoice() {
  const input = el("input", { type: "range", id: "choose-size", min: 90, max: 560, step: 10 });
  input.addEventListener("input", () => update({ size: Number(input.value) }));
  return el("label", { class: "choice size" }, el("span", {}, "Size"), input);
}

function filterChoice(facet, number) {
  const id = `filter-${number}`;
  const button = el("button", { type: "button", class: "filter", popovertarget: id, "data-facet": facet.name });
  const says = { role: "group", "aria-label": `Only these of ${facet.name}` };
  const list = el("div", { popover: "auto", id, class: "options", ...says });
  list.addEventListener("beforetoggle", ({ newState }) => {
    if (newState === "open") fill(list, facet, button);
  });
  return el("span", { class: "holder" }, button, list);
}

// A list is made when it is opened: a page with many facets shows sooner.
function fill(list, facet, button) {
  const chosen = view.filters.get(facet.name) ?? new Set();
  const boxes = facet.values.map((value) => {
    const box = el("input", { type: "checkbox", value, checked: chosen.has(value) });
    return el("label", {}, box, el("span", { dir: "auto" }, line(value, 90)));
  });
  const all = el("button", { type: "button", class: "all" }, "All");
  all.addEventListener("click", () => {
    list.querySelectorAll("input").forEach((box) => (box.checked = false));
    filter(facet, list);
  });
  list.onchange = () => filter(facet, list);
  list.replaceChildren(...boxes, all);
  const place = button.getBoundingClientRect();
  list.style.setProperty("--left", `${Math.round(Math.min(place.left, innerWidth - 290))}px`);
  list.style.setProperty("--top", `${Math.round(place.bottom + 6)}px`);
}

function filter(facet, list) {
  const chosen = [...list.querySelectorAll("input:checked")].map((box) => box.value);
  const filters = new Map(view.filters);
  if (chosen.length && chosen.length < facet.values.length) filters.set(facet.name, new Set(chosen));
  else filters.delete(facet.name);
  update({ filters });
}

function buildControls() {
  const many = sheet.facets.length > 0;
  const clear = el("button", { type: "button", id: "clear", class: "filter" }, "Clear");
  clear.addEventListener("click", () => update({ filters: new Map(), q: "" }));
  const sorts = [...SORTS].filter(([name]) => name !== "distance" || sheet.pairs);
  byId("controls").append(
    ...(many ? layoutChoices() : []),
    select(
      "sort",
      "Sort",
      sorts.map(([name, sort]) => [name, sort.label]),
    ),
    sizeChoice(),
    ...sheet.facets.map(filterChoice),
    clear,
  );
}

function showControls() {
  for (const name of ["x", "y", "split", "sort"]) {
    const choice = byId(`choose-${name}`);
    if (choice) choice.value = view[name];
  }
  const size = byId("choose-size");
  size.value = view.size || wanted(tiles.length);
  document.querySelectorAll("input[name=layout]").forEach((input) => (input.checked = input.value === view.layout));
  document.body.dataset.layout = view.layout;
  for (const button of document.querySelectorAll("button[data-facet]")) {
    const chosen = [...(view.filters.get(button.dataset.facet) ?? [])];
    const rest = chosen.length > 1 ? ` +${chosen.length - 1}` : "";
    const said = chosen.length ? `: ${line(chosen[0], 24)}${rest}` : "";
    button.textContent = `${label(button.dataset.facet)}${said}`;
    button.classList.toggle("active", chosen.length > 0);
  }
  byId("more").classList.toggle("active", view.filters.size > 0);
  byId("clear").hidden = !view.filters.size && !view.q;
  const search = byId("search");
  if (search.value !== view.q) search.value = view.q;
}

// The one way in which what is looked at changes.
function update(changed) {
  change(changed);
  showControls();
  lay();
  if (!("size" in changed)) byId("main").scrollTo(0, 0);
}
