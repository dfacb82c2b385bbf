// One tile: a link to its own image, with what it is.

const made = [];

function tileElement(tile) {
  made[tile.number] ??= makeTile(tile);
  return made[tile.number];
}

function makeTile(tile) {
  const { word, tone } = tile.status;
  const told = el("span", { dir: "auto" }, line(subline(tile), 120));
  const caption = el("span", { class: "caption" }, el("b", { dir: "auto" }), told);
  const badge = tone === "plain" ? null : el("span", { class: "badge" }, word);
  const link = el("a", { href: hashFor(tile) }, el("span", { class: "well" }, ...frames(tile)), badge, caption);
  return el("li", { class: "tile", "data-tone": tone, "data-number": tile.number }, link);
}

const hashFor = (tile) => `#${new URLSearchParams({ open: tile.id })}`;

// What the second line of a caption says.
function subline(tile) {
  if (tile.distance !== undefined) return `${changedBy(tile.distance)}${changedFields(tile)}`;
  if (tile.price) return [`${tile.price}${changedFields(tile)}`, tile.changes ? "" : tile.prompt].filter(Boolean).join(" · ");
  // Where there is no picture the note stands in its place.
  const note = tile.image || tile.before ? tile.note : "";
  return note || tile.prompt || tile.model || "";
}

// A bare number says nothing: the scale is that of CIE76, on which 100 is all the way from black to white.
function changedBy(distance) {
  return distance ? `changed by ${distance.toFixed(1)} in colour (100: black to white)` : "not changed to the eye";
}

function changedFields(tile) {
  return tile.changes ? ` · ${tile.changes.map(([field]) => field).join(", ")}` : "";
}

function frames(tile) {
  const { image, before } = tile;
  if (sheet.pairs) return [frame(tile, before, "before"), frame(tile, image, "after")];
  if (!before) return [frame(tile, image, "")];
  const inset = image && image.small >= 0 ? el("span", { class: "inset" }, thumbnail(image, ""), mark(image)) : null;
  return [frame(tile, before, ""), ...(inset ? [inset] : [])];
}

function frame(tile, picture, side) {
  const holder = el("span", { class: "frame" });
  if (side) holder.dataset.side = side;
  if (!picture) {
    holder.append(nothing(tile, side));
  } else if (picture.small < 0) {
    holder.append(el("span", { class: "void" }, el("span", {}, picture.missing)));
  } else {
    holder.append(thumbnail(picture, side === "before" ? "" : altOf(tile)));
    const caption = mark(picture);
    if (caption) holder.append(caption);
    if (picture.drawn) holder.dataset.drawn = "";
  }
  return holder;
}

function nothing(tile, side) {
  const gone = side === "after" && tile.status.tone === "gone";
  const absent = side === "before" ? "not there before" : gone ? "no longer there" : "";
  if (absent) return el("span", { class: "void" }, el("span", {}, absent));
  const why = el("span", { dir: "auto" }, line(tile.note ?? "", 160));
  return el("span", { class: "void" }, el("b", {}, tile.status.word), why);
}

const mark = (picture) => (picture.drawn ? el("span", { class: "mark" }, picture.caption) : null);

const altOf = (tile) => line(tile.prompt || tile.address, 200);

// The tile, with a caption whose first line says what the layout does not.
function labelled(tile, said) {
  const item = tileElement(tile);
  item.querySelector(".caption > b").textContent = line(labelsOf(tile, said), 120);
  return item;
}
