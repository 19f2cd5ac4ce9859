// Marks by a person. They go to the server that gave this page, on this machine; a page opened as a file has none.

const VERDICTS = ["right", "wrong", "unclear"];

const review = {
  on: false, marks: new Map(), name: "",

  async start() {
    const told = byId("review-settings");
    if (!told) return;
    Object.assign(this, JSON.parse(told.textContent), { on: true });
    this.name = kept("reviewer") || this.reviewer || "";
    const answer = await this.ask("GET");
    for (const [id, name, mark] of answer.marks) this.put(id, name, mark);
  },

  async ask(method, body) {
    const answer = await fetch("marks", { method, cache: "no-store", headers: { "X-Contrafact-Token": this.token, "Content-Type": "application/json" },
      body: body && JSON.stringify(body) });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    return told;
  },

  put(id, name, mark) {
    if (!this.marks.has(id)) this.marks.set(id, new Map());
    if (mark) this.marks.get(id).set(name, mark);
    else this.marks.get(id).delete(name);
  },

  mine(id) {
    return this.on && this.marks.has(id) ? this.marks.get(id).get(this.name) : undefined;
  },

  async mark(verdict) {
    if (!this.on || list.at < 0) return;
    if (!this.name.trim()) {
      this.say("Say who you are first: your name stands beside each mark.");
      byId("reviewer").focus();
      return;
    }
    const row = list.rows[list.at], id = store.index.ids[row], place = list.at;
    try {
      await this.ask("POST", { pair_id: id, reviewer: this.name.trim(), mark: verdict });
    } catch (error) {
      this.say(`Not stored: ${error.message}`);
      return;
    }
    this.put(id, this.name.trim(), verdict);
    this.say(verdict ? `${id}: ${verdict}` : `${id}: mark taken back`);
    if (filter.mark) {
      list.rows = list.rows.filter((each) => each !== row);
      list.at = -1;
      list.show(list.rows, true);
      if (list.rows.length) go(list.rows[Math.min(place, list.rows.length - 1)]);
      byId("count").textContent = `${counted(list.rows.length)} of ${counted(store.index.ids.length)} pairs`;
    } else if (verdict) list.move(1);
    else go(row);
    list.draw(true);
    this.count();
  },

  say(text) {
    byId("told").textContent = text;
  },

  count() {
    const counts = VERDICTS.map((verdict) => [...this.marks.values()].filter((each) => each.get(this.name) === verdict).length);
    byId("tally").textContent = VERDICTS.map((verdict, i) => `${counts[i]} ${verdict}`).join(" · ");
  },

  badge(id) {
    const mark = this.mine(id);
    return mark ? h("span", { class: "badge " + mark }, mark) : null;
  },

  bar() {
    if (!this.on) return null;
    const name = h("input", { id: "reviewer", value: this.name, autocomplete: "off", maxlength: 80, "aria-label": "your name", placeholder: "your name",
      onchange: (event) => { this.name = event.target.value.trim(); keep("reviewer", this.name); this.count(); list.draw(true); if (list.at >= 0) go(list.rows[list.at]); },
      onkeydown: (event) => { if (event.key === "Enter" && !event.isComposing) byId("list").focus(); } }); // the keys mark again
    const buttons = VERDICTS.map((verdict, i) => h("button", { type: "button", class: "mark " + verdict, "data-mark": verdict,
      onclick: () => this.mark(verdict) }, h("kbd", null, String(i + 1)), " " + verdict));
    return h("div", { id: "review", role: "group", "aria-label": "review" }, h("label", null, h("span", null, "Reviewer"), name), buttons,
      h("label", { class: "blind" }, h("input", { type: "checkbox", id: "blind",
        onchange: (event) => { document.body.classList.toggle("blind", event.target.checked); } }), " hide verdicts and scores"),
      h("button", { type: "button", class: "mark back", onclick: () => this.mark(null) }, h("kbd", null, "0"), " take back"),
      h("span", { id: "tally", class: "note" }), h("span", { id: "told", class: "note", role: "status" }));
  },

  showMine(id) {
    document.querySelectorAll("#review .mark").forEach((each) =>
      each.setAttribute("aria-pressed", String(each.dataset.mark !== undefined && each.dataset.mark === this.mine(id))));
  },
};
