// The keyboard: arrows move, Enter opens, Esc closes or clears, / searches.

const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (box.open) onBoxKey(event);
  else onPageKey(event);
}

function onBoxKey(event) {
  const { key, target } = event;
  if (target.type === "range" || (target.type === "radio" && STEPS[key])) return;
  const mode = MODES[Number(key) - 1];
  if (key === "ArrowLeft") turn(-1);
  else if (key === "ArrowRight") turn(1);
  else if (key === "ArrowUp" && target !== byId("panel")) turnRow(-1);
  else if (key === "ArrowDown" && target !== byId("panel")) turnRow(1);
  else if (mode && both(current)) compare(mode);
  else if (key === " " && view.mode === "blink" && both(current) && target.tagName !== "BUTTON") blinkByHand();
  else return;
  event.preventDefault();
}

function onPageKey(event) {
  const { key, target } = event;
  const search = byId("search");
  if (key === "Escape" && (target === search || target === document.body || byId("main").contains(target))) {
    if (view.q || view.filters.size) update({ q: "", filters: new Map() });
    if (target === search) byId("main").focus();
  } else if (key === "/" && target !== search) {
    search.focus();
    search.select();
  } else if (STEPS[key] && !["INPUT", "SELECT"].includes(target.tagName)) {
    move(STEPS[key], target);
  } else if (key === "ArrowDown" && target === search) {
    move([0, 0], document.body);
  } else {
    return;
  }
  event.preventDefault();
}

// Focus goes to the neighbour, as rows and columns stand on the page.
function move([right, down], target) {
  const tile = tiles[target.closest?.(".tile")?.dataset.number];
  const next = tile ? neighbour(tile, right, down) : visible[0];
  const link = next && linkOf(next);
  link?.focus();
  link?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function neighbour(tile, right, down) {
  if (right) return visible[visible.indexOf(tile) + right];
  const number = rows.findIndex((row) => row.tiles.includes(tile));
  const next = rows[number + down];
  return next?.tiles[Math.min(rows[number].tiles.indexOf(tile), next.tiles.length - 1)];
}
