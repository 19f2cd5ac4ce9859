// Variables: what was intervened on, what moved as a descendant, what stayed; and the graph they hang in.

const MARKS = {
  target: ["▶", "intervened on"],
  moved: ["●", "moved as a descendant"],
  could: ["○", "could have moved"],
  wrong: ["!", "moved, and is no descendant"],
  changed: ["●", "changed"],
  held: ["", "unchanged"],
};

function descendantsOf(graph, targets) {
  const found = new Set(), waiting = [...targets];
  while (waiting.length) {
    for (const next of graph[waiting.pop()] || []) {
      if (!found.has(next)) { found.add(next); waiting.push(next); }
    }
  }
  return found;
}

function stateOf(name, moved, targets, downstream) {
  if (targets.has(name)) return "target";
  if (!downstream) return moved ? "changed" : "held";
  return moved ? (downstream.has(name) ? "moved" : "wrong") : downstream.has(name) ? "could" : "held";
}

const shownValue = (field, value) => {
  if (value === null || value === undefined) return h("span", { class: "note" }, "–");
  if (field.levels && Number.isInteger(value)) return plain(field.levels[value] ?? String(value));
  return typeof value === "number" ? shortNumber(value) : plain(textOf(value));
};

// Both values on the field's range in this dataset: where it came from and where it went.
function slope(field, fact, other) {
  if (field.levels || typeof fact !== "number" || field.low === undefined || !(field.high > field.low)) return null;
  const x = (value) => 6 + 108 * Math.min(1, Math.max(0, (value - field.low) / (field.high - field.low)));
  const moved = typeof other === "number" && other !== fact;
  return s("svg", { viewBox: "0 0 120 16", class: "slope", "aria-hidden": "true" },
    s("line", { class: "axis", x1: 6, x2: 114, y1: 8, y2: 8 }),
    moved && s("line", { class: "path", x1: x(fact), x2: x(other), y1: 8, y2: 8 }),
    s("circle", { class: "fact", cx: x(fact), cy: 8, r: 4 }),
    moved && s("circle", { class: "other", cx: x(other), cy: 8, r: 4 }));
}

function valuesPanel(fields, pair) {
  const { graph } = store.index, targets = new Set(pair.edits.map((each) => each[0]));
  const downstream = graph ? descendantsOf(graph, targets) : null;
  const used = new Set();
  const rows = fields.map(([field, place]) => {
    const [fact, other] = [pair.factual[place], pair.counterfactual[place]];
    const moved = pair.moved[place] ?? (fact !== other && JSON.stringify(fact) !== JSON.stringify(other));
    const state = pair.made ? stateOf(field.name, moved, targets, downstream) : "held";
    used.add(state);
    return h("tr", { class: state },
      h("td", { class: "mark", title: MARKS[state][1] }, MARKS[state][0], h("span", { class: "unseen" }, MARKS[state][1])),
      h("th", { scope: "row" }, plain(field.name)),
      h("td", { class: "value fact" }, shownValue(field, fact)),
      h("td", { class: "value other" }, pair.made ? shownValue(field, other) : "–"),
      h("td", { class: "range" }, slope(field, fact, other)));
  });
  const legend = Object.keys(MARKS).filter((state) => used.has(state) && MARKS[state][0])
    .map((state) => h("span", { class: "key " + state }, MARKS[state][0] + " " + MARKS[state][1]));
  return h("section", { class: "member values" },
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "variables" },
      h("table", null,
        h("thead", null, h("tr", null, h("td"), h("th", { scope: "col" }, "variable"),
          h("th", { scope: "col" }, "factual"), h("th", { scope: "col" }, "counterfactual"), h("td"))),
        h("tbody", null, rows))),
    h("p", { class: "legend" }, legend));
}

// The dataset's graph again, with this pair's nodes in their colours.
function graphPanel(pair) {
  const drawn = document.querySelector("#graph svg");
  if (!drawn || !store.index.graph || !pair.made) return null;
  const copy = drawn.cloneNode(true), fields = store.index.fields.map((each) => each.name);
  const targets = new Set(pair.edits.map((each) => each[0])), downstream = descendantsOf(store.index.graph, targets);
  for (const node of copy.querySelectorAll("[data-node]")) {
    const name = node.getAttribute("data-node"), place = fields.indexOf(name);
    const moved = place >= 0 && (pair.moved[place] ?? pair.factual[place] !== pair.counterfactual[place]);
    node.classList.add(stateOf(name, moved, targets, downstream));
  }
  for (const edge of copy.querySelectorAll("[data-from]")) {
    const from = edge.getAttribute("data-from");
    if (targets.has(from) || downstream.has(from)) edge.classList.add("live");
  }
  copy.setAttribute("aria-label", "the causal graph, with what this intervention reaches");
  copy.removeAttribute("style");
  copy.querySelector("marker").id = "arrow-here"; // the other is out of sight, and so would be what refers to it
  copy.querySelectorAll(".edge").forEach((each) => each.setAttribute("marker-end", "url(#arrow-here)"));
  return h("section", { class: "member graph" }, h("h3", null, "what the intervention reaches"), copy);
}
