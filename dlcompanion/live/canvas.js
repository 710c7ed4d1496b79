// The browser's half of the live engine: replays display lists on a canvas, keeps frames and asks
// for more, moves points. One plain module: no build step, no network. recorder.py describes the
// display list.

const COORDINATES_PER_PIXEL = 16;
// Matplotlib's codes, each with its method and its number of points.
const SEGMENTS = { 1: ["moveTo", 1], 2: ["lineTo", 1], 79: ["closePath", 1],
                   3: ["quadraticCurveTo", 2], 4: ["bezierCurveTo", 3] };
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const KEY_STEP = 2, BIG_KEY_STEP = 20; // px
const CACHE_BYTES = 8e6, BATCH = 16;
const QUIET = 150, COMPUTING = 250, LOST = 8000; // ms
const LOST_TEXT = "The kernel does not answer. If it was restarted, run the cell again.";

/** Turn the bytes of a display list into its head, with operations that can be painted. */
export function decode(view) {
  let at = view.byteOffset;
  const takeBytes = (count) => new Uint8Array(view.buffer.slice(at, (at += count)));
  const takePoints = (count, scale) =>
    Float32Array.from(new Int16Array(takeBytes(4 * count).buffer), (number) => number / scale);
  const [headSize] = new Uint32Array(takeBytes(4).buffer);
  const head = JSON.parse(new TextDecoder().decode(takeBytes(headSize)));
  const paths = head.paths.map(([count, scale, curved]) =>
    toPath2D(takePoints(count, scale), curved ? takeBytes(count) : null));
  const styles = head.styles.map(([clip, ...inks]) => [paths[clip], ...inks]);
  const operations = head.operations.map(([path, style, rest]) => ({
    style: styles[style],
    ...(path < 0
      ? { image: toImage(rest, takeBytes), matrix: rest[2], alpha: rest[4], offsets: [] }
      : { path: paths[path], offsets: takePoints(rest, COORDINATES_PER_PIXEL) }),
  }));
  return { ...head, operations };
}

function toPath2D(xy, codes) {
  const path = new Path2D();
  for (let i = 0; i < xy.length;) {
    const [method, count] = codes ? SEGMENTS[codes[i / 2]] : ["lineTo", 1]; // the first one moves
    path[method](...xy.subarray(i, (i += 2 * count)));
  }
  return path;
}

function toImage([width, height, , palette], takeBytes) {
  const pixels = palette
    ? Uint32Array.from(takeBytes(width * height), (index) => palette[index])
    : takeBytes(4 * width * height);
  const image = new OffscreenCanvas(width, height);
  const data = new ImageData(new Uint8ClampedArray(pixels.buffer), width, height);
  image.getContext("2d").putImageData(data, 0, 0);
  return image;
}

/** Draw a decoded display list; `scale` is device pixels per CSS pixel of the figure. */
export function paint(context, list, scale, theme) {
  context.resetTransform();
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  for (const { style, path, offsets, image, matrix, alpha } of list.operations) {
    const [clip, fill, stroke, pen] = style;
    context.save();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    if (clip) context.clip(clip);
    if (fill) context.fillStyle = theme[fill[0]] ?? fill[0];
    if (stroke) setPen(context, theme[stroke[0]] ?? stroke[0], pen);
    for (let i = 0; i < offsets.length; i += 2) {
      context.setTransform(scale, 0, 0, scale, scale * offsets[i], scale * offsets[i + 1]);
      context.globalAlpha = fill?.[1];
      if (fill) context.fill(path);
      context.globalAlpha = stroke?.[1];
      if (stroke) context.stroke(path);
    }
    if (image) {
      context.globalAlpha = alpha;
      context.imageSmoothingEnabled = false;
      context.transform(...matrix);
      context.drawImage(image, 0, 0);
    }
    context.restore();
  }
}

function setPen(context, strokeStyle, [lineWidth, lineCap, lineJoin, lineDashOffset, ...dashes]) {
  Object.assign(context, { strokeStyle, lineWidth, lineCap, lineJoin, lineDashOffset });
  context.setLineDash(dashes);
}

/** Data coordinates along one axis to CSS pixels of the figure and back, inside the axis. */
function axisMap(limits, isLog, [from, to]) {
  const [on, back] = isLog ? [Math.log10, (value) => 10 ** value] : [Number, Number];
  const [low, high] = limits.map(on);
  return {
    toPixel: (value) => from + ((on(value) - low) / (high - low)) * (to - from),
    toData: (px) => back(low + Math.min(Math.max((px - from) / (to - from), 0), 1) * (high - low)),
  };
}

/** One button that is dragged, or moved by the arrow keys, and tells `moved` its data position. */
function makePoint(stage, [width, height], { label, pixels, limits, log }, moved) {
  stage.insertAdjacentHTML("beforeend", // without JupyterLab's shortcuts
    `<button class="dlc-point" type="button" data-lm-suppress-shortcuts="true"></button>`);
  const button = stage.lastElementChild;
  const maps = limits.map((ends, i) => axisMap(ends, log[i], pixels[i]));
  let [position, grip] = [[0, 0], null]; // grip: from the pointer that holds it to the point
  const place = () => position.map((value, i) => maps[i].toPixel(value));
  const show = (xy) => {
    position = xy;
    const [x, y] = place();
    Object.assign(button.style, { left: `${(100 * x) / width}%`, top: `${(100 * y) / height}%` });
    const spoken = xy.map((value) => value.toPrecision(3)).join(", ");
    button.ariaLabel = `${label} at ${spoken}: drag it, or use the arrow keys`;
  };
  const moveBy = (start, step) => {
    show(start.map((value, i) => maps[i].toData(value + step[i])));
    moved(position);
  };
  const pointer = ({ clientX, clientY }) => {
    const frame = stage.getBoundingClientRect();
    return [clientX - frame.x, clientY - frame.y].map((value) => (value * width) / frame.width);
  };
  button.onpointerdown = (event) => {
    const at = pointer(event);
    grip = place().map((value, i) => value - at[i]);
    button.setPointerCapture(event.pointerId);
  };
  button.onpointermove = (event) => grip && moveBy(pointer(event), grip);
  button.onpointerup = button.onpointercancel = () => (grip = null);
  button.onkeydown = (event) => {
    if (!ARROWS[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    const step = event.shiftKey ? BIG_KEY_STEP : KEY_STEP;
    moveBy(place(), ARROWS[event.key].map((direction) => direction * step));
  };
  return { show, place, isHeld: () => grip !== null };
}

/** The index of the present position of a control, counted as controls.py does. */
function indexOf(control) {
  const [low, step] = [control.get("min") ?? 0, control.get("step") ?? 1];
  return control.get("index") ?? Math.round((control.get("value") - low) / step);
}

/** Build title, picture and sentence in `el`; return how to change them. */
function makeStage(el, { title, size: [width, height], static: bytes }) {
  el.classList.add("dlc-canvas");
  el.innerHTML = `
    <div class="dlc-title"></div>
    <div class="dlc-stage" style="max-width: ${width}px; aspect-ratio: ${width} / ${height}">
      <canvas class="dlc-static" aria-hidden="true"></canvas>
      <canvas class="dlc-frame" role="img"></canvas>
      <p class="dlc-note" role="status"></p>
    </div>
    <p class="dlc-sentence" role="status" aria-live="polite"></p>`;
  const [heading, stage, sentence] = el.children;
  const [below, above] = Array.from(stage.children).map((layer) => layer.getContext?.("2d"));
  say(heading, title);
  let [background, frame, theme, scale] = [decode(bytes), null, {}, 1];
  const redraw = () => { // in the page's size and theme, whose colours the style sheet has
    if (!background) return; // freed, but told of a change of size once more
    const fit = stage.clientWidth / width; // 0: not in the page, behind another tab, or restyled
    if (fit) scale = Math.max(1, devicePixelRatio) * fit;
    const read = (token) => [token, getComputedStyle(el).getPropertyValue(`--dlc-${token}`).trim()];
    theme = Object.fromEntries(["ink", "paper", "grid", "blue", "vermillion", "green"].map(read));
    for (const { canvas } of [below, above])
      [canvas.width, canvas.height] = [Math.round(width * scale), Math.round(height * scale)];
    paint(below, background, scale, theme);
    paint(above, frame, scale, theme);
  };
  const show = (bytes) => {
    frame = decode(bytes);
    paint(above, frame, scale, theme);
    say(sentence, frame.sentence);
    above.canvas.ariaLabel = `${title} ${frame.sentence}`;
  };
  const free = () => { // JupyterLab keeps every ResizeObserver, and so `redraw`, for good
    background = frame = below.canvas.width = above.canvas.width = 0;
  };
  return { stage, show, redraw, free, tell: (text) => say(stage.children[2], text) };
}

/** Show an explorer in `el`: `model` has the traits of canvas.py and talks to explorer.py. */
async function render({ model, el }) {
  const setup = model.get("setup"), { controls, size } = setup;
  const models = await Promise.all(
    controls.map((control) => model.widget_manager.get_model(control.model)));
  const { stage, show, redraw, free, tell } = makeStage(el, setup);

  // The model learns at once where points are; the kernel with each question, or when all is quiet.
  const points = setup.points.flatMap(({ name, count, ...described }) =>
    Array.from({ length: count }, (_, i) => {
      const moved = (xy) => {
        const rows = structuredClone(model.get("positions"));
        rows[name][i] = xy;
        model.set("positions", rows);
      };
      const point = makePoint(stage, size, described, moved);
      return { ...point, follow: () => point.show(model.get("positions")[name][i]) };
    }));

  // Frames: what is kept is drawn at once, what is not is asked for, one question at a time.
  const cache = new Map(); // in the order of use
  const keep = (key, frame) => {
    cache.delete(key);
    cache.set(key, frame);
    const bytes = () => [...cache.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
    while (bytes() > CACHE_BYTES) cache.delete(cache.keys().next().value);
  };
  const keyOf = (indices) =>
    [indices, ...points.map((point) => point.place().map(Math.round))].join("|");
  const indicesNow = () => models.map(indexOf);
  let [shown, waiting, ahead, seen, touched, timers, quiet] = [null, null, null, false, 0, [], 0];

  const update = () => {
    const indices = indicesNow();
    const key = keyOf(indices);
    if (cache.has(key)) {
      if (key !== shown) show(cache.get(key));
      keep(key, cache.get(key));
      shown = key;
      tell("");
    } else if (waiting === null) {
      waiting = key;
      timers = [setTimeout(tell, COMPUTING, "computing …"), setTimeout(tell, LOST, LOST_TEXT)];
      ask({ ask: "now", key, indices, positions: model.get("positions") });
    }
    schedule();
    requestAnimationFrame(finishControls);
  };
  const receive = ({ answer, asked, keys, failed, positions }, buffers) => {
    if (!failed) keys.forEach((key, i) => keep(key, buffers[i]));
    stage.dataset.cached = cache.size;
    if (answer === "now" && keys[0] === waiting) { // else another view has asked
      timers.forEach(clearTimeout);
      waiting = null;
      tell("");
      show(buffers[0]);
      shown = failed ? null : keys[0];
      if (keys[0] !== keyOf(indicesNow())) update();
      else model.set("positions", positions); // a constraint may have put the points elsewhere
    } else if (asked === ahead && !failed) { // after an error, nothing more is asked ahead
      ahead = null;
      schedule();
    }
  };

  // Ahead: through the present point along each control, the last touched first, nearest first.
  const missing = () => {
    const here = indicesNow();
    const order = [...controls.keys()].sort((a, b) => (b === touched) - (a === touched));
    return order.flatMap((i) =>
      [...Array(controls[i].count).keys()]
        .sort((a, b) => Math.abs(a - here[i]) - Math.abs(b - here[i]))
        .map((index) => here.with(i, index))
        .filter((indices) => !cache.has(keyOf(indices))));
  };
  const schedule = () => {
    clearTimeout(quiet);
    quiet = setTimeout(askAhead, QUIET);
  };
  const askAhead = () => {
    model.save_changes();
    if (points.some((point) => point.isHeld())) return schedule();
    if (!setup.prefetch || !seen || waiting !== null || ahead !== null) return;
    const indices = missing().slice(0, BATCH);
    stage.dataset.prefetch = indices.length ? "running" : "done";
    if (!indices.length) return;
    const keys = indices.map(keyOf);
    ahead = keys[0];
    ask({ ask: "ahead", asked: ahead, keys, indices });
  };

  // The kernel. The server may hold its answer back for 40 ms until our side acknowledges the
  // kernel's "busy" (Nagle's algorithm, delayed acknowledgement); a word of ours carries that.
  const ask = (question) => {
    const nudge = ({ content }) => content.execution_state === "busy" && send({ ask: "nothing" });
    send(question, { iopub: { status: nudge } });
  };
  const send = (content, callbacks) => {
    try { model.send(content, callbacks); } catch { lost(); } // the connection is gone
  };
  const lost = () => {
    ahead ??= "nothing more";
    tell(LOST_TEXT);
  };

  // ipywidgets leaves a slider's handle without the name and the value that are read aloud, and
  // its play button without a single step; JupyterLab's shortcuts would take the arrow keys from
  // a dropdown.
  const finishControls = () => controls.forEach(({ name }, i) => {
    const cell = el.closest(".dlc-explorer")?.querySelector(".dlc-controls")?.children[i];
    cell?.querySelector("select")?.setAttribute("data-lm-suppress-shortcuts", "true");
    const handle = cell?.querySelector(".noUi-handle");
    if (!handle) return;
    handle.ariaLabel = name;
    handle.ariaValueText = cell.querySelector(".widget-readout")?.textContent ?? "";
    if (!cell.matches(".dlc-play:not(:has(.fa-step-forward))")) return;
    cell.firstElementChild.insertAdjacentHTML("afterend", // the icon would be its name
      `<button class="jupyter-button" title="One step"><i class="fa fa-step-forward"></i></button>`);
    cell.children[1].ariaLabel = "One step";
    cell.children[1].onclick = () =>
      models[i].set("value", Math.min(models[i].get("value") + 1, models[i].get("max"))).save_changes();
  });

  const listeners = [
    ...models.map((control, i) => [control, "change:index change:value", () => {
      touched = i;
      update();
    }]),
    [model, "change:positions", () => {
      points.forEach((point) => point.follow());
      update();
    }],
    [model, "msg:custom", receive],
    [model, "comm_live_update", lost],
  ];
  for (const [source, event, listener] of listeners) source.on(event, listener);
  const observers = [
    [new ResizeObserver(redraw), stage],
    [new IntersectionObserver(([entry]) => (seen = entry.isIntersecting) && schedule()), stage],
    // JupyterLab sets these attributes when the new theme's style sheet has been applied.
    [new MutationObserver(redraw), document.body,
      { attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] }],
  ];
  for (const [observer, ...what] of observers) observer.observe(...what);

  points.forEach((point) => point.follow());
  const { indices, positions, frame } = model.get("present");
  if (same([indicesNow(), model.get("positions")], [indices, positions])) keep(keyOf(indices), frame);
  else show(frame); // the controls have moved since, as before a reload of the page
  update();
  return () => {
    for (const [source, event, listener] of listeners) source.off(event, listener);
    for (const [observer] of observers) observer.disconnect();
    [...timers, quiet].forEach(clearTimeout);
    free();
  };
}

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
const say = (element, text) => element.textContent !== text && (element.textContent = text);

export default { render };
