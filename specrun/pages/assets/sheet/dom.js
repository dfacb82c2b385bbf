// Elements and texts. Text only ever becomes text: nothing here reads markup.

const byId = (id) => document.getElementById(id);

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Controls, bidi marks and invisible characters show as what they are, so that no text looks like another.
const UNSAFE = new RegExp(
  "[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b\\u200e\\u200f\\u2028-\\u202e" +
    "\\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\\u{e0000}-\\u{e007f}]",
  "gu",
);

function shown(text) {
  return text.replace(UNSAFE, (character) => `\\u${character.codePointAt(0).toString(16).padStart(4, "0")}`);
}

function short(text, limit) {
  return text.length <= limit ? text : `${text.slice(0, limit - 1)}…`;
}

function line(text, limit) {
  return shown(short(text.slice(0, 4 * limit).replace(/\s+/g, " ").trim(), limit));
}

const figure = (number) => number.toLocaleString("en");

function counted(number, noun) {
  return `${figure(number)} ${noun}${number === 1 ? "" : "s"}`;
}
