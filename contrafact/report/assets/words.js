// Word by word: the same alignment as contrafact/differences.py, which the terminal uses. A test compares the two.

const PIECE = /\s+|[\p{L}\p{N}_]+(?:['’][\p{L}\p{N}_]+)*|[^\p{L}\p{N}_\s]/gu;
const MOST_WORK = 6e6; // cells of a comparison; beyond it what differs is one change

const wordsOf = (text) => text.match(PIECE) || [];
const isBlank = (text) => text !== "" && text.trim() === "";

// The longest run that a[alo:ahi] and b[blo:bhi] share; the earliest in a, then in b, of those that are as long.
function longestRun(a, alo, ahi, places, blo, bhi) {
  let besti = alo, bestj = blo, size = 0, runs = new Map();
  for (let i = alo; i < ahi; i++) {
    const next = new Map();
    for (const j of places.get(a[i]) || []) {
      if (j < blo) continue;
      if (j >= bhi) break;
      const length = (runs.get(j - 1) || 0) + 1;
      next.set(j, length);
      if (length > size) [besti, bestj, size] = [i - length + 1, j - length + 1, length];
    }
    runs = next;
  }
  return [besti, bestj, size];
}

// Ratcliff and Obershelp: the longest common run, then the same on either side of it. Runs as [i, j, length], in order.
function commonRuns(a, b) {
  const places = new Map();
  b.forEach((each, j) => (places.has(each) ? places.get(each).push(j) : places.set(each, [j])));
  const found = [], waiting = [[0, a.length, 0, b.length]];
  while (waiting.length) {
    const [alo, ahi, blo, bhi] = waiting.pop();
    if (alo >= ahi || blo >= bhi) continue;
    const [i, j, size] = longestRun(a, alo, ahi, places, blo, bhi);
    if (!size) continue;
    found.push([i, j, size]);
    waiting.push([alo, i, blo, j], [i + size, ahi, j + size, bhi]);
  }
  return found.sort((x, y) => x[0] - y[0]);
}

// What two sequences share and where they differ: [same, start and stop in a, start and stop in b].
function stretches(a, b) {
  let head = 0, tail = 0;
  const least = Math.min(a.length, b.length);
  while (head < least && a[head] === b[head]) head++;
  while (tail < least - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const left = a.slice(head, a.length - tail), right = b.slice(head, b.length - tail);
  const inner = left.length * right.length > MOST_WORK ? [] : commonRuns(left, right);
  const runs = [[0, 0, head], ...inner.map(([i, j, size]) => [i + head, j + head, size])];
  runs.push([a.length - tail, b.length - tail, tail], [a.length, b.length, 0]);
  const found = [];
  let i = 0, j = 0;
  for (const [nexti, nextj, size] of runs) {
    if (i < nexti || j < nextj) found.push([false, i, nexti, j, nextj]);
    const last = found.at(-1);
    if (size && last && last[0]) [last[2], last[4]] = [nexti + size, nextj + size];
    else if (size) found.push([true, nexti, nexti + size, nextj, nextj + size]);
    [i, j] = [nexti + size, nextj + size];
  }
  return found;
}

// [same, text before, text after]: changes that only white space parts are one.
function pieces(before, after) {
  const left = wordsOf(before), right = wordsOf(after), found = [];
  let old = "", fresh = "", blank = "";
  const flush = () => { if (old || fresh) found.push([false, old, fresh]); old = fresh = ""; };
  for (const [same, i, nexti, j, nextj] of stretches(left, right)) {
    const removed = left.slice(i, nexti).join(""), added = right.slice(j, nextj).join("");
    if (!same) {
      [old, fresh, blank] = [old + blank + removed, fresh + blank + added, ""];
    } else if (isBlank(removed) && (old || fresh)) {
      blank = removed;
    } else {
      flush();
      found.push([true, removed, added]);
    }
  }
  flush();
  if (blank) found.push([true, blank, blank]);
  return found;
}

// The rows of a split view: [left line or -1, right line or -1, same].
function lineRows(before, after) {
  const rows = [];
  for (const [same, i, nexti, j, nextj] of stretches(before, after)) {
    for (let step = 0; step < Math.max(nexti - i, nextj - j); step++) {
      rows.push([i + step < nexti ? i + step : -1, j + step < nextj ? j + step : -1, same]);
    }
  }
  return rows;
}
