// Elements from plain text. Nothing here, or anywhere in this page, reads data as HTML.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(9).filter((each) => each !== null && each !== undefined && each !== false));
  return element;
}

const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const s = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);
const byId = (id) => document.getElementById(id);

// Characters that would be invisible, or would turn the text around: shown by their code point.
const HIDDEN = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u061C\u180E\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB]/gu;

// Text as nodes, hidden characters made visible.
function plain(text) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(HIDDEN)) {
    const code = "U+" + match[0].codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    nodes.push(text.slice(last, match.index), h("span", { class: "hidden", title: "an invisible character" }, code));
    last = match.index + match[0].length;
  }
  nodes.push(text.slice(last));
  return nodes;
}

const counted = (number) => number.toLocaleString("en-US");

function shortNumber(value, digits = 5) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return counted(value);
  const text = Number(value.toPrecision(digits));
  return Math.abs(text) >= 1e-4 && Math.abs(text) < 1e9 ? String(text) : text.toExponential(3);
}
