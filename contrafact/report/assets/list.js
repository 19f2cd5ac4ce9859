// The list of pairs: only the rows in sight are in the document.

const ROW = 58;

const list = {
  rows: [], at: -1, drawn: [-1, -1],

  start() {
    this.box = byId("list");
    this.space = byId("space");
    this.box.addEventListener("scroll", () => requestAnimationFrame(() => this.draw()));
    new ResizeObserver(() => this.draw(true)).observe(this.box);
  },

  show(rows, searching) {
    const current = this.at >= 0 ? this.rows[this.at] : null;
    this.rows = rows;
    this.space.style.height = rows.length * ROW + "px";
    byId("count").textContent = `${counted(rows.length)} of ${counted(store.index.ids.length)} pairs${searching ? ", searching …" : ""}`;
    this.at = current === null ? -1 : rows.indexOf(current);
    this.draw(true);
    if (this.at < 0 && rows.length && !searching) go(rows[0], false);
    else if (this.at >= 0) this.reveal();
    if (!rows.length && !searching) byId("pair").replaceChildren(h("p", { class: "empty" }, "No pair is like that. ",
      h("button", { type: "button", onclick: () => { clearFilters(); refresh(0); } }, "Clear the filters")));
  },

  select(row) {
    this.at = this.rows.indexOf(row);
    this.reveal();
    this.draw(true);
  },

  reveal() {
    const top = this.at * ROW, { scrollTop, clientHeight } = this.box;
    if (this.at < 0) return;
    if (top < scrollTop) this.box.scrollTop = top;
    else if (top + ROW > scrollTop + clientHeight) this.box.scrollTop = top + ROW - clientHeight;
  },

  move(step) {
    if (!this.rows.length) return;
    const at = Math.min(this.rows.length - 1, Math.max(0, this.at < 0 ? 0 : this.at + step));
    go(this.rows[at]);
  },

  draw(again) {
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW) - 4);
    const last = Math.min(this.rows.length, first + Math.ceil(this.box.clientHeight / ROW) + 8);
    if (!again && first === this.drawn[0] && last === this.drawn[1]) return;
    this.drawn = [first, last];
    const options = [];
    for (let place = first; place < last; place++) options.push(this.option(place));
    this.space.replaceChildren(...options);
    const active = this.at >= first && this.at < last ? "row-" + this.at : "";
    if (active) this.box.setAttribute("aria-activedescendant", active);
    else this.box.removeAttribute("aria-activedescendant");
  },

  option(place) {
    const row = this.rows[place], { index } = store, accepted = isAccepted(row);
    const made = h("div", { class: "row " + (accepted ? "accepted" : "rejected"), role: "option", id: "row-" + place,
      "aria-selected": String(place === this.at), "aria-posinset": place + 1, "aria-setsize": this.rows.length,
      onclick: () => go(row) },
      h("span", { class: "told" }, plain(index.told[row] || reasonsOf(row)[0] || "nothing changed")),
      h("span", { class: "below" }, h("span", { class: "id" }, plain(index.ids[row])), h("span", { class: "move" }, labelMove(row))),
      review.badge(index.ids[row]));
    made.style.transform = `translateY(${place * ROW}px)`;
    return made;
  },
};
