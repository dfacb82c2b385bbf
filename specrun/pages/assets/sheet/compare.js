// The large picture; where there are two, ways to compare them.

const NAMES = { side: "Side by side", slider: "Slider", blink: "Blink", difference: "Difference" };
let blinking = 0;

const both = (tile) => [tile?.before, tile?.image].every((picture) => picture && picture.small >= 0);

function showPictures(tile) {
  stopBlinking();
  const canvas = byId("canvas");
  const comparing = both(tile);
  byId("modes").hidden = !comparing;
  canvas.dataset.mode = comparing ? view.mode : tile.before && tile.image ? "side" : "one";
  if (!comparing) {
    canvas.replaceChildren(...[tile.before, tile.image].filter(Boolean).map((picture) => large(tile, picture)));
    if (!canvas.children.length) canvas.append(frame(tile, null, ""));
    return;
  }
  const [before, after] = [large(tile, tile.before, "before"), large(tile, tile.image, "after")];
  canvas.replaceChildren(before, after);
  if (view.mode === "slider") canvas.append(slider());
  if (view.mode === "blink") startBlinking();
  document.querySelectorAll("input[name=mode]").forEach((input) => (input.checked = input.value === view.mode));
}

function large(tile, picture, side = "") {
  const words = picture.caption || { before: "before", after: "after" }[side] || "";
  const alt = `${words ? `${words}: ` : ""}${altOf(tile)}`;
  const holder = el("figure", { "data-side": side, "data-drawn": picture.drawn });
  if (picture.small < 0) {
    holder.append(el("span", { class: "void" }, el("b", {}, words), el("span", {}, picture.missing)));
    return holder;
  }
  const image = thumbnail(picture, alt);
  load(image);
  // Where two are compared, both are shown at one sharpness.
  if (!side) sharpen(image, picture);
  holder.append(image);
  if (words) holder.append(el("figcaption", {}, words));
  return holder;
}

// The original takes the thumbnail's place once it is there; where it is not, the thumbnail stays.
async function sharpen(image, picture) {
  if (!picture.href) return;
  const full = new Image();
  full.src = picture.href;
  try {
    await full.decode();
  } catch {
    return;
  }
  image.src = picture.href;
}

function slider() {
  const says = { id: "slider", class: "slider", "aria-label": "How much of the image before is shown" };
  const input = el("input", { type: "range", min: 0, max: 100, value: 50, step: 0.5, ...says });
  const set = () => byId("canvas").style.setProperty("--at", `${input.value}%`);
  input.addEventListener("input", set);
  set();
  return input;
}

function startBlinking() {
  const canvas = byId("canvas");
  const flip = () => (canvas.dataset.shows = canvas.dataset.shows === "before" ? "after" : "before");
  canvas.dataset.shows = "before";
  // Who wants less motion blinks by hand, with the space bar.
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) blinking = setInterval(flip, 700);
}

function stopBlinking() {
  clearInterval(blinking);
  blinking = 0;
}

function blinkByHand() {
  stopBlinking();
  const canvas = byId("canvas");
  canvas.dataset.shows = canvas.dataset.shows === "before" ? "after" : "before";
}

function buildModes() {
  for (const mode of MODES) {
    const input = el("input", { type: "radio", name: "mode", value: mode });
    input.addEventListener("change", () => compare(mode));
    byId("modes").append(el("label", {}, input, el("span", {}, NAMES[mode])));
  }
}

function compare(mode) {
  change({ mode });
  if (current) showPictures(current);
}
