// Colours: the system's, or light or dark by choice.

const THEMES = { "": "as the system", light: "light", dark: "dark" };
const STORED = "specrun-theme";

function remembered() {
  try {
    return localStorage.getItem(STORED) ?? "";
  } catch {
    return "";
  }
}

function wear(theme) {
  const known = theme in THEMES ? theme : "";
  document.documentElement.dataset.theme = known;
  byId("theme").setAttribute("aria-label", `Colours: ${THEMES[known]}`);
  byId("theme").title = `Colours: ${THEMES[known]}`;
}

function changeTheme() {
  const names = Object.keys(THEMES);
  const next = names[(names.indexOf(document.documentElement.dataset.theme) + 1) % names.length];
  wear(next);
  try {
    localStorage.setItem(STORED, next);
  } catch {
    // Without storage the choice holds until the page is closed.
  }
}
