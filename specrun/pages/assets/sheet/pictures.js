// Where thumbnails come from: the page's own last part, while it is still being read, or files beside it.

const opened = new Map();
const waiting = new Set();

// A thumbnail's URL, null while the part of the page that holds it has not been read yet.
function smallUrl(number) {
  if (sheet.files) return sheet.files[number];
  const found = bundleHolding(number);
  return found && `data:image/webp;base64,${found[number % sheet.bundle]}`;
}

function bundleHolding(number) {
  const place = Math.floor(number / sheet.bundle);
  if (!opened.has(place)) {
    const scripts = byId("bundles")?.children ?? [];
    const whole = place + 1 < scripts.length || (place < scripts.length && document.readyState !== "loading");
    if (!whole) return null;
    opened.set(place, scripts[place].textContent.split("\n"));
  }
  return opened.get(place);
}

function load(image) {
  const url = smallUrl(Number(image.dataset.small));
  if (url === null) {
    waiting.add(image);
    return;
  }
  waiting.delete(image);
  image.src = url;
}

function loadAll(element) {
  element.querySelectorAll("img[data-small]:not([src])").forEach(load);
}

function loadWaiting() {
  waiting.forEach(load);
}

function thumbnail(picture, alt) {
  const { width, height, small } = picture;
  return el("img", { alt, width: width || null, height: height || null, "data-small": small, decoding: "async" });
}
