// One image, large, with all that is known of it.

const box = byId("lightbox");
let current = null;

function open(tile, { push = false } = {}) {
  current = tile;
  if (view.open !== tile.id) change({ open: tile.id }, { push });
  byId("panel").replaceChildren(...about(tile));
  byId("panel").scrollTop = 0;
  showPictures(tile);
  const place = visible.indexOf(tile);
  byId("back").disabled = place <= 0;
  byId("on").disabled = place < 0 || place === visible.length - 1;
  if (box.open) return;
  box.showModal();
  // Not a button, so that the space bar and the arrows are free for the pictures.
  byId("stage").focus();
}

function shut() {
  stopBlinking();
  const tile = current;
  current = null;
  if (view.open) change({ open: "" });
  if (tile) linkOf(tile)?.focus();
}

function turn(step) {
  const place = visible.indexOf(current);
  const next = visible[place + step];
  if (next) open(next);
}

// Up and down move by a row of what is on the page behind.
function turnRow(step) {
  const next = neighbour(current, 0, step);
  if (next) open(next);
}

function about(tile) {
  const { word, tone } = tile.status;
  const place = visible.indexOf(tile) + 1;
  const where = place ? `${figure(place)} of ${figure(visible.length)}` : "";
  const axes = tile.axes.map(([name, value]) => [el("span", {}, shown(name)), el("b", { dir: "auto" }, shown(value))]);
  return [
    el("p", { class: "place" }, where, el("span", { class: "badge", "data-tone": tone }, word)),
    el("h2", { id: "box-title", dir: "auto" }, shown(tile.id)),
    axes.length ? el("ul", { class: "axes", role: "list" }, ...axes.map((axis) => el("li", {}, ...axis))) : null,
    tile.note && !tile.changes ? el("p", { class: "note", dir: "auto" }, shown(tile.note)) : null,
    copies(tile),
    tile.changes ? part("What changed", changesOf(tile)) : null,
    tile.prompt ? part("Prompt", el("p", { class: "prompt", dir: "auto" }, shown(tile.prompt))) : null,
    part("Request", pairs([...request(tile), ...tile.params.map(([name, value, given]) => [name, value, !given])])),
    tile.inputs ? part(tile.inputs.length > 1 ? "Made from these images" : "Made from", inputsOf(tile)) : null,
    tile.facts ? part("Provenance", pairs(tile.facts)) : null,
    original(tile),
  ].filter(Boolean);
}

function request(tile) {
  const found = [
    ["model", tile.model],
    ["provider", tile.provider],
    ["seed", tile.seed],
    ["price", tile.price],
    ["colour distance", tile.distance === undefined ? undefined : distanceOf(tile.distance)],
  ];
  return found.filter(([, value]) => value !== undefined).map(([name, value]) => [name, String(value)]);
}

// The scale in words, as nobody knows it by heart.
function distanceOf(distance) {
  return `${distance.toFixed(1)} (CIE76: 0 is the same, from about 2 on the eye sees it, 100 is from black to white)`;
}

function inputsOf(tile) {
  const pictures = tile.inputs.map((picture) => {
    const source = el("figcaption", { dir: "auto" }, shown(picture.caption));
    if (picture.small < 0) return el("figure", {}, el("span", { class: "void" }, picture.missing), source);
    const image = thumbnail(picture, picture.caption);
    load(image);
    return el("figure", {}, image, source);
  });
  return el("div", { class: "inputs" }, ...pictures);
}

function part(title, content) {
  return el("section", {}, el("h3", {}, title), content);
}

function pairs(found) {
  const lines = found.map(([name, value, quiet]) => {
    const says = { dir: "auto", "data-digest": value.includes("sha256:") };
    const told = el("dd", says, ...withDigests(value), quiet ? el("i", {}, " default") : "");
    return el("div", {}, el("dt", {}, shown(name)), told);
  });
  return el("dl", {}, ...lines);
}

// Digests stand short; who wants one whole copies it.
function withDigests(text) {
  return text.split(/(sha256:[0-9a-f]{64})/).map((part, place) => {
    if (place % 2 === 0) return shown(part);
    const says = { type: "button", class: "digest", title: part, "aria-label": `Copy digest ${part.slice(7, 19)}` };
    const button = el("button", says, `${part.slice(0, 19)}…`);
    button.addEventListener("click", () => copy(part, "Copy digest"));
    return button;
  });
}

function changesOf(tile) {
  const lines = tile.changes.map(([field, pieces]) => [
    el("dt", {}, shown(field)),
    el("dd", { dir: "auto" }, ...pieces.map(piece)),
  ]);
  return el("dl", { class: "changes" }, ...lines.map((pair) => el("div", {}, ...pair)));
}

// Removed and added words say so to those who do not see their colours.
function piece([sign, text]) {
  if (sign === "-") return el("del", {}, shown(text));
  if (sign === "+") return el("ins", {}, shown(text));
  return shown(text);
}

function copies(tile) {
  const texts = [["Copy address", tile.address], ...(tile.prompt ? [["Copy prompt", tile.prompt]] : [])];
  for (const [name, command] of Object.entries(sheet.commands)) {
    texts.push([`Copy ${name}`, command.replaceAll("{address}", () => quoted(tile.address))]);
  }
  const buttons = texts.map(([name, text]) => {
    const button = el("button", { type: "button" }, name);
    button.addEventListener("click", () => copy(text, name));
    return button;
  });
  return el("p", { class: "copies" }, ...buttons);
}

// As a POSIX shell takes it: nothing in single quotes means anything but itself.
const quoted = (text) => `'${text.replaceAll("'", `'\\''`)}'`;

async function copy(text, name) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyByHand(text);
  }
  toast(`${name.replace("Copy ", "")} copied`);
}

// Where the page may not reach the clipboard, a selection still can.
function copyByHand(text) {
  const area = el("textarea", { class: "unseen" });
  area.value = text;
  box.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

let fading = 0;

function toast(text) {
  const place = byId("toast");
  (box.open ? box : document.body).append(place);
  place.textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => (place.textContent = ""), 1800);
}

function original(tile) {
  const { image } = tile;
  if (!image?.href) return null;
  const link = el("a", { href: image.href, target: "_blank", rel: "noopener" }, "Open the original file");
  return el("p", { class: "copies" }, link);
}
