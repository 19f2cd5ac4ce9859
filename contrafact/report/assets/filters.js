// Which pairs are shown, and in what order.

const filter = { text: "", scores: {}, order: "stored", pareto: false };

// A choice by code: [key, title, column of the index].
const CHOICES = [
  ["reason", "Reason", (index) => index.reason],
  ["split", "Split", (index) => index.split],
  ["label", "Factual label", (index) => index.label],
  ["other", "Counterfactual label", (index) => index.other],
  ["edit", "Intervention", (index) => index.edit],
  ["source", "Label source", (index) => index.source],
];

const MOST_OPTIONS = 300; // reasons may be as many as there are pairs

const option = (value, text) => h("option", { value }, text);

function choice(key, title, options) {
  const select = h("select", { id: "choose-" + key, onchange: (event) => { filter[key] = event.target.value; refresh(); } },
    option("", "any"), options);
  return h("label", { class: "choice" }, h("span", null, title), select);
}

function choices() {
  const { index } = store, made = [];
  made.push(choice("verdict", "Verdict", [option("accepted", "accepted"), option("rejected", "rejected")]));
  for (const [key, title, of] of CHOICES) {
    const column = of(index);
    if (!column.codes || column.names.length < 2 && key !== "reason" || !column.names.length) continue;
    const counts = new Map();
    const count = (code) => counts.set(code, (counts.get(code) || 0) + 1);
    column.codes.forEach(count);
    if (key === "reason") Object.values(index.also).flat().forEach(count);
    const codes = column.names.map((_, code) => code);
    if (codes.length > MOST_OPTIONS) codes.sort((x, y) => (counts.get(y) || 0) - (counts.get(x) || 0)).splice(MOST_OPTIONS);
    made.push(choice(key, title, codes.map((code) => option(code, `${column.names[code].slice(0, 90)} (${counted(counts.get(code) || 0)})`))));
  }
  made.push(choice("moved", "Label", [option("moved", "moved"), option("stayed", "stayed")]));
  if (Object.keys(index.control).length) made.push(choice("role", "Role", [option("pair", "pairs"), option("control", "controls")]));
  if (review.on) made.push(choice("mark", "Mark", ["unmarked", "right", "wrong", "unclear"].map((name) => option(name, name))));
  return made;
}

function scoreRanges() {
  const { index } = store;
  return Object.keys(index.scores).map((name) => {
    const range = index.ranges[name];
    if (!range) return null;
    const side = (place, word) => h("input", { type: "number", step: "any", placeholder: shortNumber(range[place]),
      "aria-label": `${word} ${name}`, oninput: (event) => {
        const ends = filter.scores[name] || (filter.scores[name] = [null, null]);
        ends[place] = event.target.value === "" ? null : Number(event.target.value);
        refresh();
      } });
    return h("div", { class: "range" }, h("span", null, plain(name)), side(0, "least"), h("span", null, "to"), side(1, "greatest"));
  });
}

function keeps(row, found) {
  const { index } = store, code = (key) => Number(filter[key]);
  if (found && !found.has(row)) return false;
  if (filter.verdict && (filter.verdict === "accepted") !== isAccepted(row)) return false;
  if (filter.reason && index.reason.codes[row] !== code("reason") && !(index.also[row] || []).includes(code("reason"))) return false;
  for (const [key, , of] of CHOICES.slice(1)) {
    if (filter[key] && of(index).codes[row] !== code(key)) return false;
  }
  if (filter.moved) {
    const [fact, other] = [labelOf(index.label, row), labelOf(index.other, row)];
    if (other === null || (fact !== other) !== (filter.moved === "moved")) return false;
  }
  if (filter.role && (filter.role === "control") !== (index.control[row] !== undefined)) return false;
  if (filter.pareto && !index.front.has(row)) return false;
  if (filter.mark && (review.mine(index.ids[row]) || "unmarked") !== filter.mark) return false;
  for (const [name, [low, high]] of Object.entries(filter.scores)) {
    const value = index.scores[name][row];
    if ((low !== null || high !== null) && (value === null || (low !== null && value < low) || (high !== null && value > high))) return false;
  }
  return true;
}

// A number that scatters ids, the same at every opening: an order in which the first n are a random sample.
function scattered(id) {
  let hash = 2166136261;
  for (let i = 0; i < id.length; i++) hash = Math.imul(hash ^ id.charCodeAt(i), 16777619);
  hash = Math.imul(hash ^ (hash >>> 15), 2246822507);
  hash = Math.imul(hash ^ (hash >>> 13), 3266489909);
  return (hash ^ (hash >>> 16)) >>> 0;
}

const orders = {
  stored: () => null,
  random: (index) => index.scatter || (index.scatter = index.ids.map(scattered)),
};

function ordered(rows) {
  const { index } = store, name = filter.order;
  const keys = orders[name] ? orders[name](index) : index.scores[name];
  if (!keys) return rows;
  return rows.sort((x, y) => (keys[x] === null) - (keys[y] === null) || keys[x] - keys[y] || x - y);
}

const search = { wanted: 0, text: "", found: null };

// Rows whose ids, members or interventions hold the text: the index first, then block after block.
async function searched(text, told) {
  const { index } = store, mine = ++search.wanted, needle = text.toLowerCase(), found = new Set();
  const escaped = JSON.stringify(needle).slice(1, -1);
  index.ids.forEach((id, row) => { if (id.toLowerCase().includes(needle) || (index.told[row] || "").toLowerCase().includes(needle)) found.add(row); });
  for (let number = 0; number * index.block < index.ids.length; number++) {
    const raw = await store.text(number);
    if (mine !== search.wanted) return null;
    if (raw.toLowerCase().includes(escaped)) {
      const block = JSON.parse(raw);
      for (let place = 0; place < block.edits.length; place++) {
        const whole = [block.factual, block.counterfactual].map((side) => side.map((values) => values[place]).filter((each) => typeof each !== "number"));
        if (JSON.stringify([whole, block.edits[place]]).toLowerCase().includes(escaped)) found.add(number * index.block + place);
      }
    }
    if (number % 16 === 15) told(found, false);
  }
  return found;
}

let refreshing = 0;

// Again after a change of filters; typing is waited for.
function refresh(delay = 120) {
  clearTimeout(refreshing);
  refreshing = setTimeout(apply, delay);
}

async function apply() {
  if (filter.text.length > 0 && filter.text !== search.text) {
    search.text = filter.text;
    const show = (found, whole) => { search.found = found; list.show(visible(), !whole); };
    const found = await searched(filter.text, show);
    if (found) show(found, true);
    return;
  }
  if (!filter.text) { search.wanted++; search.text = ""; search.found = null; }
  list.show(visible(), false);
}

function visible() {
  const rows = [];
  for (let row = 0; row < store.index.ids.length; row++) if (keeps(row, filter.text ? search.found : null)) rows.push(row);
  return ordered(rows);
}

function clearFilters() {
  for (const key of Object.keys(filter)) delete filter[key];
  Object.assign(filter, { text: "", scores: {}, order: byId("order").value, pareto: false });
  document.querySelectorAll("#filters select:not(#order)").forEach((each) => { each.value = ""; });
  document.querySelectorAll("#filters input").forEach((each) => { if (each.type === "checkbox") each.checked = false; else each.value = ""; });
}
