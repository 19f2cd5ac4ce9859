// One member field of a pair, factual beside counterfactual, in the way of its kind.

const NO_PAIR = "no counterfactual could be made";

function columns(name, left, right, kind) {
  return h("section", { class: "member " + kind },
    name && h("h3", null, name),
    h("div", { class: "sides" },
      h("div", { class: "side fact" }, left),
      h("div", { class: "side other" }, right)));
}

// A cell that was too long for the page comes as [its beginning, its length].
const textOf = (value) => (Array.isArray(value) ? value[0] : value === null ? "" : String(value));
const cutNote = (value) =>
  Array.isArray(value) && h("p", { class: "note" }, `the first ${counted(value[0].length)} of ${counted(value[1])} characters`);

function textPanel(field, fact, other) {
  if (other === null && fact === null) return null;
  const left = h("p", { class: "prose", dir: "auto" }), right = h("p", { class: "prose", dir: "auto" });
  if (other === null || fact === null) {
    left.append(...plain(textOf(fact)));
    right.append(h("span", { class: "note" }, NO_PAIR));
  } else {
    for (const [same, old, fresh] of pieces(textOf(fact), textOf(other))) {
      if (old) left.append(same ? h("span", null, plain(old)) : h("del", null, plain(old)));
      if (fresh) right.append(same ? h("span", null, plain(fresh)) : h("ins", null, plain(fresh)));
    }
  }
  return columns(field.name, [left, cutNote(fact)], [right, cutNote(other)], "text");
}

// Where words of two lines differ, as [start, stop] in each.
function lineMarks(before, after) {
  const left = [], right = [];
  let i = 0, j = 0, shared = 0;
  for (const [same, old, fresh] of pieces(before, after)) {
    if (same) shared += old.trim().length;
    else {
      if (old) left.push([i, i + old.length]);
      if (fresh) right.push([j, j + fresh.length]);
    }
    i += old.length;
    j += fresh.length;
  }
  // Lines that have little in common changed as wholes: marking every other word would only flicker.
  return shared * 3 < Math.min(before.trim().length, after.trim().length) ? [[], []] : [left, right];
}

const linesOf = (text) => text.replace(/\r\n?/g, "\n").replace(/\n$/, "").split("\n");

function startsOf(lines) {
  let at = 0;
  return lines.map((line) => { const start = at; at += line.length + 1; return start; });
}

function codePanel(field, fact, other) {
  if (fact === null && other === null) return null;
  const texts = [textOf(fact), other === null ? textOf(fact) : textOf(other)].map((text) => linesOf(text));
  const whole = texts.map((lines) => lines.join("\n")), starts = texts.map(startsOf);
  const inks = whole.map((text) => inksOf(text, languageOf(whole[0])));
  const line = (side, number, marks, tag) => {
    if (number < 0) return [h("td", { class: "number" }), h("td", { class: "code none" })];
    const start = starts[side][number], stop = start + texts[side][number].length;
    const shifted = marks.map(([from, to]) => [from + start, to + start]);
    return [h("td", { class: "number" }, String(number + 1)),
      h("td", { class: "code" }, painted(whole[side], start, stop, inks[side], shifted, tag))];
  };
  const body = lineRows(...texts).map(([i, j, same]) => {
    const [left, right] = same || i < 0 || j < 0 ? [[], []] : lineMarks(texts[0][i], texts[1][j]);
    return h("tr", { class: same ? "same" : i < 0 ? "added" : j < 0 ? "removed" : "changed" },
      line(0, i, left, "del"), line(1, j, right, "ins"));
  });
  return h("section", { class: "member codes" }, h("h3", null, field.name),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": field.name + ", both sides" },
      h("table", { class: "split" },
        h("caption", { class: "unseen" }, `${field.name}: factual lines, counterfactual lines`),
        h("colgroup", null, h("col", { class: "numbers" }), h("col"), h("col", { class: "numbers" }), h("col")),
        h("tbody", null, body))),
    other === null && h("p", { class: "note" }, NO_PAIR), cutNote(fact), cutNote(other));
}

// Numbers of both sides over time, one chart a channel.
function seriesPanel(field, fact, other) {
  if (!fact) return null;
  const channels = Array.isArray(fact[0]) ? fact[0].map((_, k) => k) : [null];
  const of = (values, k) => (values || []).map((each) => (k === null ? each : each[k])).map((each) => (typeof each === "number" ? each : null));
  return h("section", { class: "member series" }, h("h3", null, field.name),
    channels.slice(0, 8).map((k) => traces(of(fact, k), of(other, k), k === null ? field.name : `${field.name}, channel ${k + 1}`)),
    !other && h("p", { class: "note" }, NO_PAIR));
}

function traces(fact, other, name) {
  const all = [...fact, ...other].filter((each) => each !== null), width = 720, height = 150;
  const low = Math.min(...all), high = Math.max(...all), span = high - low || 1;
  const longest = Math.max(fact.length, other.length, 2);
  const x = (i) => 52 + ((width - 62) * i) / (longest - 1), y = (value) => 10 + (height - 34) * (1 - (value - low) / span);
  const path = (values) => values.reduce((text, value, i) =>
    value === null ? text : text + (i && values[i - 1] !== null ? "L" : "M") + x(i).toFixed(1) + " " + y(value).toFixed(1), "");
  const apart = fact.map((value, i) => i < other.length && value !== other[i]);
  const first = apart.indexOf(true), last = apart.lastIndexOf(true);
  return s("svg", { viewBox: `0 0 ${width} ${height}`, class: "chart", role: "img", "aria-label": `${name}: factual and counterfactual traces` },
    first >= 0 && s("rect", { class: "changed", x: x(first) - 1, width: x(last) - x(first) + 2, y: 10, height: height - 34 }),
    s("line", { class: "axis", x1: 52, x2: width - 10, y1: height - 24, y2: height - 24 }),
    s("text", { class: "tick", x: 48, y: 16, "text-anchor": "end" }, shortNumber(Number(high.toPrecision(3)))),
    s("text", { class: "tick", x: 48, y: height - 24, "text-anchor": "end" }, shortNumber(Number(low.toPrecision(3)))),
    s("text", { class: "tick", x: width - 10, y: height - 8, "text-anchor": "end" }, counted(longest - 1)),
    first >= 0 && s("text", { class: "tick", x: x(first), y: height - 8, "text-anchor": "middle" }, "from " + first),
    s("path", { class: "trace fact", d: path(fact) }), s("path", { class: "trace other", d: path(other) }));
}

// Anything else, as JSON; lists in lines so that a change is seen.
function jsonPanel(field, fact, other) {
  const text = (value) => (value === null ? null : Array.isArray(value) ? value.map((each) => JSON.stringify(each)).join("\n") : JSON.stringify(value, null, 1));
  return codePanel(field, text(fact), text(other));
}

const PANELS = { text: textPanel, code: codePanel, series: seriesPanel, json: jsonPanel };
