// One pair, whole: what was changed, both members, labels, reasons, scores and where it came from.

const VALUE_KINDS = new Set(["number", "level", "value"]);

function editLine(edit) {
  const [variable, operation, before, after, where] = edit, [old, fresh] = shortSides(before, after);
  const side = (text, tag, whole) => h(tag, { title: text !== whole && textOf(whole) },
    text === null || text === "" ? h("span", { class: "note" }, "∅") : plain(textOf(text)));
  const place = where && placeOf(textOf(where), variable || "");
  return h("li", null, h("span", { class: "operation" }, plain(operation || "")), " ", h("b", null, plain(variable || "")), " ",
    side(old, "del", before), " → ", side(fresh, "ins", after), place && h("span", { class: "note where" }, " ", plain(place)));
}

const FRACTION = /^-?\d+\.\d{4,}(e[-+]?\d+)?$/i; // the same as contrafact/report/packing.py
const fourDigits = (text) => (typeof text === "string" && FRACTION.test(text) ? shortNumber(Number(text), 4) : text);

// Both sides with four digits; as they are where they would look alike.
function shortSides(before, after) {
  const short = [fourDigits(before), fourDigits(after)];
  return short[0] === short[1] ? [before, after] : short;
}

// Where an edit lies, in words where it is spans of characters; nothing where its variable says so already.
function placeOf(where, variable = "") {
  let found = null;
  if (variable === where || variable.startsWith(where + ".")) return "";
  try { found = JSON.parse(where); } catch { return where; }
  if (!found || typeof found !== "object") return where;
  const spans = "start" in found ? [[found.start, found.stop]] : Array.isArray(found.span) ? [found.span] : found.spans;
  if (!Array.isArray(spans) || !spans.length || !spans.every((each) => Array.isArray(each) && each.length === 2)) return where;
  const told = spans.map(([start, stop]) => `${start} to ${stop}`), last = told.pop();
  return `at ${told.length ? told.join(", ") + " and " : ""}${last}${found.kind ? `, ${found.kind}` : ""}`;
}

function labelMove(row) {
  const { label, other } = store.index, fact = labelOf(label, row), after = labelOf(other, row);
  const digits = shortNumber(fact, 4) === shortNumber(after, 4) && fact !== after ? 6 : 4;
  const text = (value) => (value === null ? "–" : typeof value === "number" ? shortNumber(value, digits) : plain(value));
  if (fact === null && after === null) return [h("span", { class: "note" }, "no label")];
  return [h("span", { class: "label fact" }, text(fact)), " → ", h("span", { class: "label other" }, text(after)),
    fact === after && after !== null ? h("span", { class: "note" }, " stays") : null];
}

function scoresTable(row) {
  const names = Object.keys(store.index.scores).filter((name) => store.index.scores[name][row] !== null);
  if (!names.length) return null;
  const cells = names.map((name) => {
    const value = store.index.scores[name][row], range = store.index.ranges[name];
    const place = range && range[1] > range[0] ? (value - range[0]) / (range[1] - range[0]) : null;
    return h("div", { class: "score" }, h("dt", null, plain(name)), h("dd", null, shortNumber(value),
      place !== null && s("svg", { viewBox: "0 0 68 8", class: "gauge", "aria-hidden": "true" },
        s("line", { class: "axis", x1: 4, x2: 64, y1: 4, y2: 4 }),
        s("circle", { class: "dot", cx: 4 + 60 * Math.min(1, Math.max(0, place)), cy: 4, r: 3 }))));
  });
  return h("section", { class: "member scores" }, h("h3", null, "scores"), h("dl", null, cells));
}

function facts(pair) {
  const { index } = store, row = pair.row;
  const control = index.control[row];
  const told = [
    ["label source", coded(index.source, row)],
    ["exact", index.exact[row] === "1" ? "yes" : "no"],
    ["split", coded(index.split, row)],
    ["control of", control && h("a", { href: "#" + encodeURIComponent(control) }, plain(control))],
    ["group", pair.group],
    ["held fixed", pair.held.join(", ")],
    ...Object.entries(pair.more || {}).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value)]),
  ];
  return h("dl", { class: "facts" }, told.filter(([, value]) => value).map(([name, value]) =>
    h("div", null, h("dt", null, name), h("dd", null, typeof value === "string" ? plain(value) : value))));
}

const sideHeads = () => h("div", { class: "heads", "aria-hidden": "true" },
  h("span", { class: "fact" }, "Factual"), h("span", { class: "other" }, "Counterfactual"));

// What both sides share is told once, out of the way.
function unchanged(field, value) {
  const text = typeof value === "string" || (Array.isArray(value) && field.kind !== "series" && field.kind !== "json") ? textOf(value)
    : Array.isArray(value) ? value.map((each) => JSON.stringify(each)).join("\n") : JSON.stringify(value, null, 1);
  const shown = field.kind === "code" ? painted(text, 0, text.length, inksOf(text), [], "span") : plain(text);
  return h("details", { class: "member unchanged" }, h("summary", null, plain(field.name), ", the same on both sides"), h("pre", { tabindex: 0 }, shown));
}

function membersOf(pair) {
  const values = [], rest = [], same = [];
  store.index.fields.forEach((field, place) => {
    const [fact, other] = [pair.factual[place], pair.counterfactual[place]];
    // A word or a name is a value; the same field may hold prose elsewhere.
    if (VALUE_KINDS.has(field.kind)) values.push([field, place]);
    else if (pair.made && fact !== null && field.kind !== "media" && JSON.stringify(fact) === JSON.stringify(other)) same.push(unchanged(field, fact));
    else rest.push(PANELS[field.kind](field, fact, pair.made ? other : null));
  });
  const both = values.length ? [valuesPanel(values, pair), graphPanel(pair)] : [];
  const panels = rest.filter(Boolean);
  return [panels.length ? sideHeads() : null, panels, both.length ? h("div", { class: "causal" }, both) : null, same];
}

function pairView(pair) {
  const accepted = isAccepted(pair.row), reasons = reasonsOf(pair.row);
  pair.made = pair.counterfactual.some((value) => value !== null);
  const made = pair.factual.some((value) => value !== null);
  return h("article", { class: "pair", "aria-label": "pair " + pair.id },
    h("header", null,
      h("h2", null, h("a", { href: "#" + encodeURIComponent(pair.id), title: "link to this pair" }, plain(pair.id))),
      h("p", { class: "verdict" },
        h("span", { class: "pill " + (accepted ? "accepted" : "rejected") }, accepted ? "accepted" : "rejected"), " ",
        labelMove(pair.row)),
      reasons.length ? h("ul", { class: "reasons" }, reasons.map((reason) => h("li", null, plain(reason)))) : null),
    pair.edits.length ? h("ul", { class: "edits" }, pair.edits.map(editLine)) : null,
    made ? h("div", { class: "members" }, membersOf(pair)) : h("p", { class: "note" }, "nothing was made of this unit"),
    scoresTable(pair.row), facts(pair));
}
