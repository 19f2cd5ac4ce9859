// Where one is in the page, and the keys.

function kept(name) {
  try { return localStorage.getItem("contrafact " + name); } catch { return null; }
}

function keep(name, value) {
  try { localStorage.setItem("contrafact " + name, value); } catch { /* a page without storage forgets */ }
}

function theme(value) {
  if (value) document.documentElement.dataset.theme = value;
  const dark = value ? value === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  byId("theme").textContent = dark ? "Light" : "Dark";
  byId("theme").onclick = () => { keep("theme", dark ? "light" : "dark"); theme(dark ? "light" : "dark"); };
}

function see(view) {
  document.body.dataset.view = view;
  document.querySelectorAll("nav a").forEach((link) => {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  if (view === "pairs") list.draw(true);
}

let asked = 0;

// Show a pair; its address goes into the page's own, so that it can be linked to.
async function go(row, linked = true) {
  const mine = ++asked, id = store.index.ids[row], pair = await store.pair(row);
  if (mine !== asked) return;
  if (linked) history.replaceState(null, "", "#" + encodeURIComponent(id));
  list.select(row);
  byId("pair").replaceChildren(pairView(pair));
  byId("pair").scrollTop = 0;
  byId("place").textContent = list.at >= 0 ? `${counted(list.at + 1)} / ${counted(list.rows.length)}` : "";
  review.showMine(id);
}

async function route() {
  let wanted = location.hash.slice(1);
  try { wanted = decodeURIComponent(wanted); } catch { /* as it stands */ }
  const row = store.index ? store.index.row.get(wanted) : undefined;
  if (row !== undefined) {
    see("pairs");
    if (!list.rows.includes(row)) { clearFilters(); list.show(visible(), true); byId("count").textContent = `${counted(list.rows.length)} pairs`; }
    await go(row, false);
  } else if (wanted === "pairs") see("pairs");
  else if (wanted && !byId(wanted)) {
    see("pairs");
    if (store.index) byId("pair").replaceChildren(h("p", { class: "empty" }, `The pair ${wanted} is not in this page. `,
      `It holds ${counted(store.index.ids.length)} pairs of the dataset.`));
  } else {
    see("overview");
    if (wanted) byId(wanted).scrollIntoView();
  }
}

const KEYS = {
  j: () => list.move(1), ArrowDown: () => list.move(1), ArrowRight: () => list.move(1),
  k: () => list.move(-1), ArrowUp: () => list.move(-1), ArrowLeft: () => list.move(-1),
  PageDown: () => list.move(10), PageUp: () => list.move(-10),
  Home: () => list.move(-list.rows.length), End: () => list.move(list.rows.length),
  "/": () => byId("search").focus(),
  "?": () => byId("help").showModal(),
  1: () => review.mark("right"), 2: () => review.mark("wrong"), 3: () => review.mark("unclear"), 0: () => review.mark(null),
};
const ANYWHERE = new Set(["j", "k", "/", "?"]);

function pressed(event) {
  const typing = event.target.matches('input:not([type="checkbox"]), select, textarea') || byId("help").open;
  if (event.key === "Escape" && event.target.id === "search") { event.target.blur(); byId("list").focus(); }
  if (typing || event.ctrlKey || event.metaKey || event.altKey || !(event.key in KEYS) || !store.index) return;
  if (document.body.dataset.view !== "pairs") {
    if (!ANYWHERE.has(event.key)) return;
    if (event.key !== "?") { location.hash = "pairs"; see("pairs"); }
  }
  // A part that scrolls by itself keeps its own arrows.
  if (event.target.closest(".scroll") && event.key.length > 1) return;
  event.preventDefault();
  KEYS[event.key]();
}

function controls() {
  const { index } = store;
  const order = h("select", { id: "order", onchange: (event) => { filter.order = event.target.value; refresh(); } },
    option("stored", "as stored"), option("random", "at random"), Object.keys(index.scores).map((name) => option(name, `by ${name}`)));
  filter.order = review.on ? "random" : "stored";
  order.value = filter.order;
  byId("choices").append(...choices(), h("label", { class: "choice" }, h("span", null, "Order"), order));
  if (index.front.size) {
    byId("ranges").append(h("label", { class: "front" }, h("input", { type: "checkbox", id: "pareto",
      onchange: (event) => { filter.pareto = event.target.checked; refresh(); } }), ` only the Pareto set (${counted(index.front.size)})`));
  }
  byId("ranges").append(...scoreRanges().filter(Boolean));
  byId("search").addEventListener("input", (event) => { filter.text = event.target.value.trim(); refresh(250); });
  byId("next").onclick = () => list.move(1);
  byId("previous").onclick = () => list.move(-1);
  byId("clear").onclick = () => { clearFilters(); refresh(0); };
  byId("keys").onclick = () => byId("help").showModal();
}

// What the overview counts leads to the pairs that it counted.
function links() {
  document.querySelectorAll("[data-choose]").forEach((link) => link.addEventListener("click", () => {
    clearFilters();
    for (const part of link.dataset.choose.split("&")) {
      const [key, value] = part.split("=");
      const column = (CHOICES.find(([name]) => name === key) || [])[2];
      const code = column ? String(column(store.index).names.indexOf(decodeURIComponent(value))) : value;
      filter[key] = code;
      const select = byId("choose-" + key);
      if (select) select.value = code;
    }
    refresh(0);
  }));
}

// The overview's own pair shows its first picture or clip, if the page holds one.
async function featuredMedia() {
  const place = byId("featured-media"), row = place ? store.index.row.get(place.dataset.pair) : undefined;
  if (row === undefined) return;
  const pair = await store.pair(row), field = store.index.fields.findIndex((each, i) => each.kind === "media" && pair.factual[i]);
  if (field >= 0) place.append(PANELS.media(store.index.fields[field], pair.factual[field], pair.counterfactual[field]));
}

async function main() {
  theme(kept("theme"));
  document.addEventListener("keydown", pressed);
  byId("print").onclick = () => print();
  list.start();
  if (byId("review-settings") && !location.hash) history.replaceState(null, "", "#pairs"); // a review is of pairs
  see(location.hash && !byId(location.hash.slice(1)) ? "pairs" : "overview");
  const index = await store.open();
  index.front = new Set(index.front);
  await review.start();
  const bar = review.bar();
  if (bar) byId("reader").prepend(bar);
  controls();
  links();
  list.show(visible(), true);
  byId("count").textContent = `${counted(list.rows.length)} of ${counted(index.ids.length)} pairs`;
  if (bar) review.count();
  window.addEventListener("hashchange", route);
  await featuredMedia();
  await route();
  if (list.at < 0 && list.rows.length) await go(list.rows[0], false);
  document.body.dataset.ready = "yes";
}

main().catch((error) => {
  console.error(error);
  byId("pair").replaceChildren(h("p", { class: "empty" }, "The pairs of this page cannot be read: " + error.message));
});
