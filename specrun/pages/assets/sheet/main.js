// Everything wired together.

wear(remembered());
readView();
buildControls();
buildModes();
showControls();
lay();
byId("main").focus({ preventScroll: true });
if (view.open) open(tileNamed.get(view.open));

byId("theme").addEventListener("click", changeTheme);
byId("more").addEventListener("click", () => {
  byId("more").setAttribute("aria-expanded", document.body.toggleAttribute("data-controls"));
  lay();
});
byId("back").addEventListener("click", () => turn(-1));
byId("on").addEventListener("click", () => turn(1));
byId("close").addEventListener("click", () => box.close());
box.addEventListener("close", shut);
box.addEventListener("click", ({ target }) => {
  if (target === box || target.id === "canvas" || target.className === "stage") box.close();
});
document.addEventListener("keydown", onKey);

let searching = 0;
byId("search").addEventListener("input", ({ target }) => {
  clearTimeout(searching);
  searching = setTimeout(() => update({ q: target.value }), 60);
});

byId("sections").addEventListener("click", (event) => {
  const item = event.target.closest(".tile");
  if (!item || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(tiles[item.dataset.number], { push: true });
});

// Also for links that someone follows within the page, and for "back".
addEventListener("popstate", () => {
  const { open: before } = view;
  readView();
  showControls();
  lay();
  if (view.open) open(tileNamed.get(view.open));
  else if (before && box.open) box.close();
});

let resizing = 0;
addEventListener("resize", () => {
  cancelAnimationFrame(resizing);
  resizing = requestAnimationFrame(lay);
});

// The thumbnails inside the page stand behind this script, and come in as the page is read.
const reading = setInterval(loadWaiting, 50);
addEventListener("DOMContentLoaded", () => {
  clearInterval(reading);
  loadWaiting();
});
