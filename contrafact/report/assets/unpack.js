// What Python packed: gzip in base64, an index of all pairs and blocks of their members, unpacked when they are looked at.

async function unpacked(element) {
  const raw = atob(element.textContent.trim());
  const bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

const store = {
  index: null,
  blocks: new Map(), // number -> promise of a block; the last used are kept
  most: 64,

  async open() {
    this.index = JSON.parse(await unpacked(document.getElementById("index")));
    this.index.row = new Map(this.index.ids.map((id, row) => [id, row]));
    return this.index;
  },

  text(number) {
    return unpacked(document.getElementById("block-" + number));
  },

  block(number) {
    let found = this.blocks.get(number);
    if (found) this.blocks.delete(number);
    else found = this.text(number).then(JSON.parse);
    this.blocks.set(number, found);
    if (this.blocks.size > this.most) this.blocks.delete(this.blocks.keys().next().value);
    return found;
  },

  // One pair, as an object of plain values.
  async pair(row) {
    const { index } = this, size = index.block, block = await this.block(Math.floor(row / size)), place = row % size;
    return {
      row,
      id: index.ids[row],
      factual: block.factual.map((values) => values[place]),
      counterfactual: block.counterfactual.map((values) => values[place]),
      moved: block.moved.map((flags) => (flags ? flags[place] === "1" : null)),
      edits: block.edits[place],
      held: index.held[block.held[place]] || [],
      group: block.group[place],
      more: block.more[place],
    };
  },
};

const coded = (column, row) => (column.codes[row] < 0 ? null : column.names[column.codes[row]]);
const labelOf = (column, row) => (column.codes ? coded(column, row) : column.values[row]);
const isAccepted = (row) => coded(store.index.split, row) !== "rejected";
const reasonsOf = (row) => {
  const { reason, also } = store.index;
  return reason.codes[row] < 0 ? [] : [reason.codes[row], ...(also[row] || [])].map((code) => reason.names[code]);
};
