// Colours for code: comments, strings, numbers, keywords and names that are called. [start, stop, class], in order.

const KEYWORDS = {
  python:
    "False None True and as assert async await break class continue def del elif else except finally for from global if " +
    "import in is lambda match nonlocal not or pass raise return try while with yield case",
  c:
    "auto break case char const continue default do double else enum extern float for goto if inline int long register " +
    "restrict return short signed sizeof static struct switch typedef union unsigned void volatile while bool NULL true false",
};
for (const name of Object.keys(KEYWORDS)) KEYWORDS[name] = new Set(KEYWORDS[name].split(" "));

const LEXERS = {
  python:
    /(?<comment>#[^\n]*)|(?<string>[rRbBfFuU]{0,2}(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))|(?<number>\b\d[\w.]*)|(?<name>[\p{L}_][\p{L}\p{N}_]*)/gu,
  c:
    /(?<comment>\/\/[^\n]*|\/\*[^]*?(?:\*\/|$))|(?<string>"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)|(?<number>\b\d[\w.]*)|(?<name>#\s*\w+|[\p{L}_][\p{L}\p{N}_]*)/gu,
};

const languageOf = (text) =>
  /^\s*#\s*include\b|;\s*$|^\s*\}/m.test(text) && !/^\s*(def|import|from)\b/m.test(text) ? "c" : "python";

function coloured(text, language) {
  const found = [], words = KEYWORDS[language];
  for (const match of text.matchAll(LEXERS[language])) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    const stop = match.index + match[0].length;
    if (kind !== "name") found.push([match.index, stop, "k-" + kind]);
    else if (words.has(match[0]) || match[0].startsWith("#")) found.push([match.index, stop, "k-word"]);
    else if (/^\s*\(/.test(text.slice(stop, stop + 8))) found.push([match.index, stop, "k-call"]);
  }
  return found;
}

const FENCED = /^(```+|~~~+)[^\S\n]*(\w*)[^\n]*\n([^]*?)(?:^\1[^\S\n]*$|(?![^]))/gm;
const SENTENCE = /^[^=(){};]*[\p{L}\d”"')`][.?!:]$/u;

// Whether a text is told rather than written for a machine: half of its lines are sentences.
function isProse(text) {
  const lines = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return 2 * lines.filter((line) => line.includes(" ") && SENTENCE.test(line) && /^\p{Lu}/u.test(line)).length >= lines.length;
}

// Colours of what is code in a text: its fenced parts where it has such, else all of it unless it is prose.
function inksOf(text, language = languageOf(text)) {
  const blocks = [...text.matchAll(FENCED)];
  if (!blocks.length) return isProse(text) ? [] : coloured(text, language);
  return blocks.flatMap((block) => {
    const [whole, , named, code] = block, start = block.index + whole.indexOf("\n") + 1;
    const own = named in KEYWORDS ? named : languageOf(code);
    return coloured(code, own).map(([from, to, ink]) => [from + start, to + start, ink]);
  });
}

// Text from start to stop as nodes, in the colours of its syntax and with marks [start, stop] over them.
function painted(text, start, stop, colours, marks, tag) {
  const cuts = new Set([start, stop]);
  const within = (each) => each[1] > start && each[0] < stop;
  const inks = colours.filter(within), over = marks.filter(within);
  for (const [from, to] of [...inks, ...over]) cuts.add(Math.max(from, start)).add(Math.min(to, stop));
  const places = [...cuts].sort((x, y) => x - y), nodes = [];
  for (let i = 0; i + 1 < places.length; i++) {
    const [from, to] = [places[i], places[i + 1]];
    const ink = inks.find((each) => each[0] <= from && each[1] >= to);
    const part = ink ? h("span", { class: ink[2] }, plain(text.slice(from, to))) : plain(text.slice(from, to));
    nodes.push(over.some((each) => each[0] <= from && each[1] >= to) ? h(tag, null, part) : part);
  }
  return nodes;
}
