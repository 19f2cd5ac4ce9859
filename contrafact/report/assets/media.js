// Images and frame strips: what changed is found in the pixels, here, and outlined.

const picture = (source, name) => new Promise((resolve, reject) => {
  const image = new Image();
  image.onload = () => resolve(image);
  image.onerror = () => reject(new Error("cannot be shown"));
  image.alt = name;
  image.src = source;
});

function pixels(image) {
  const canvas = h("canvas", { width: image.naturalWidth, height: image.naturalHeight });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

// Box of what differs between two pictures of one size, as shares of it; null where nothing does.
function changedBox(one, other, tolerance) {
  const left = pixels(one), right = pixels(other), { width, height } = left;
  if (width !== right.width || height !== right.height) return null;
  let x0 = width, y0 = height, x1 = -1, y1 = -1;
  for (let place = 0; place < left.data.length; place += 4) {
    const apart = Math.max(
      Math.abs(left.data[place] - right.data[place]),
      Math.abs(left.data[place + 1] - right.data[place + 1]),
      Math.abs(left.data[place + 2] - right.data[place + 2]));
    if (apart <= tolerance) continue;
    const x = (place / 4) % width, y = Math.floor(place / 4 / width);
    x0 = Math.min(x0, x); x1 = Math.max(x1, x); y0 = Math.min(y0, y); y1 = Math.max(y1, y);
  }
  return x1 < 0 ? null : [x0 / width, y0 / height, (x1 + 1 - x0) / width, (y1 + 1 - y0) / height];
}

function framed(image, box) {
  const frame = h("span", { class: "frame" }, image);
  image.setAttribute("width", image.naturalWidth); // small ones are drawn larger, by whole pixels
  if (image.naturalWidth < 160) image.setAttribute("width", image.naturalWidth * Math.ceil(200 / image.naturalWidth));
  if (box) {
    const [x, y, width, height] = box.map((share) => (100 * share).toFixed(2));
    frame.append(s("svg", { class: "outline", viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" },
      s("rect", { x, y, width, height })));
  }
  return frame;
}

const missing = (value, why) => h("p", { class: "note" }, why || (value && value.path) || NO_PAIR);

// A value is {frames: [data URL], rate, path}; one frame is a still image.
function mediaPanel(field, fact, other) {
  if (!fact && !other) return null;
  const left = h("div", { class: "strip" }), right = h("div", { class: "strip" });
  const section = columns(field.name, left, right, "media");
  const frames = [fact, other].map((value) => (value && value.frames) || []);
  [[left, fact, frames[0]], [right, other, frames[1]]].forEach(([place, value, shown]) => {
    if (!shown.length) place.append(missing(value, value && value.note));
  });
  drawFrames(left, right, frames, field).then(() => {
    if (Math.max(frames[0].length, frames[1].length) > 1) section.append(player(left, right, frames));
  });
  return section;
}

async function drawFrames(left, right, frames, field) {
  const load = (sources, side) => Promise.all(sources.map((source, i) => picture(source, `${field.name}, ${side}, frame ${i + 1}`).catch(() => null)));
  const [facts, others] = await Promise.all([load(frames[0], "factual"), load(frames[1], "counterfactual")]);
  for (let i = 0; i < Math.max(facts.length, others.length); i++) {
    const box = facts[i] && others[i] ? changedBox(facts[i], others[i], frames[0].length > 1 ? 24 : 8) : null;
    if (facts[i]) left.append(framed(facts[i], box));
    if (others[i]) right.append(framed(others[i], box));
  }
}

// Both sides play in step: the strips turn into one frame each.
function player(left, right, frames) {
  const count = Math.max(frames[0].length, frames[1].length);
  const slider = h("input", { type: "range", min: 0, max: count - 1, value: 0, "aria-label": "frame" });
  const button = h("button", { type: "button" }, "Play both");
  const told = h("span", { class: "note" }, `${count} frames`);
  let timer = null;
  const show = (number) => {
    for (const strip of [left, right]) {
      strip.classList.toggle("single", number >= 0);
      [...strip.children].forEach((frame, i) => frame.classList.toggle("now", i === number));
    }
    if (number >= 0) slider.value = number;
    told.textContent = number >= 0 ? `frame ${number + 1} of ${count}` : `${count} frames`;
  };
  const stop = () => { clearInterval(timer); timer = null; button.textContent = "Play both"; };
  button.onclick = () => {
    if (timer) { stop(); show(-1); return; }
    button.textContent = "Show strip";
    timer = setInterval(() => { if (!left.isConnected) return stop(); show((Number(slider.value) + 1) % count); }, 200);
    show(0);
  };
  slider.oninput = () => { if (timer) stop(); show(Number(slider.value)); };
  return h("div", { class: "player" }, button, slider, told);
}

PANELS.media = mediaPanel;
