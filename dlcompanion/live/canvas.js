// The browser's half of the live engine: replays display lists on a canvas, keeps frames and asks
// for more, moves points. One plain module: no build step, no network. recorder.py describes the
// display list.

const COORDINATES_PER_PIXEL = 16;
const LINETO = 2, CURVE3 = 3, CURVE4 = 4, CLOSEPOLY = 79;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const [KEY_STEP, BIG_KEY_STEP] = [2, 20]; // px
const CACHE_BYTES = 4e6, BATCH = 16;
const QUIET = 150, COMPUTING = 250, LOST = 8000; // ms
const LOST_TEXT = "The kernel does not answer. If it was restarted, run the cell again.";

/** Turn the bytes of a display list into paths, operations and its head. */
export function decode(view) {
  const [headSize, numberSize] = new Uint32Array(view.buffer.slice(view.byteOffset, view.byteOffset + 8));
  const bytes = new Uint8Array(view.buffer, view.byteOffset + 8, view.byteLength - 8);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, headSize)));
  const numbers = new Int16Array(bytes.slice(headSize, headSize + numberSize).buffer);
  let [at, byteAt] = [0, headSize + numberSize];
  const takeNumbers = (count, scale) => {
    const part = Float32Array.from(numbers.subarray(at, at + count), (value) => value / scale);
    at += count;
    return part;
  };
  const takeBytes = (count) => bytes.slice(byteAt, (byteAt += count));

  const shapes = head.paths.map(([count, scale]) => takeNumbers(2 * count, scale));
  const offsets = head.operations.map(([path, , rest]) =>
    path < 0 ? null : takeNumbers(2 * rest, COORDINATES_PER_PIXEL));
  const paths = shapes.map((shape, i) =>
    toPath2D(shape, head.paths[i][2] ? takeBytes(head.paths[i][0]) : null));
  head.operations = head.operations.map(([path, style, rest], i) =>
    path < 0
      ? { image: toImage(rest, takeBytes), alpha: rest[4], matrix: rest[2], clip: head.styles[style] }
      : { path: paths[path], style: head.styles[style], offsets: offsets[i] });
  return head;
}

function toPath2D(xy, codes) {
  const path = new Path2D();
  path.moveTo(xy[0], xy[1]);
  for (let i = 1; i < xy.length / 2; i++) {
    const k = 2 * i;
    const code = codes ? codes[i] : LINETO;
    if (code === LINETO) path.lineTo(xy[k], xy[k + 1]);
    else if (code === CLOSEPOLY) path.closePath();
    else if (code === CURVE3) {
      path.quadraticCurveTo(xy[k], xy[k + 1], xy[k + 2], xy[k + 3]);
      i += 1;
    } else if (code === CURVE4) {
      path.bezierCurveTo(xy[k], xy[k + 1], xy[k + 2], xy[k + 3], xy[k + 4], xy[k + 5]);
      i += 2;
    } else path.moveTo(xy[k], xy[k + 1]);
  }
  return path;
}

function toImage([width, height, , palette], takeBytes) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  const pixels = palette
    ? Uint32Array.from(takeBytes(width * height), (index) => palette[index])
    : new Uint32Array(takeBytes(4 * width * height).buffer);
  const image = new ImageData(new Uint8ClampedArray(pixels.buffer), width, height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Draw a decoded display list; `scale` is device pixels per CSS pixel of the figure. */
export function paint(context, list, scale, theme) {
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  for (const operation of list.operations) {
    context.save();
    context.setTransform(scale, 0, 0, scale, 0, 0);
    if (operation.image) paintImage(context, operation);
    else stamp(context, operation, theme);
    context.restore();
  }
}

function clipTo(context, corners) {
  if (!corners) return;
  context.beginPath();
  if (corners.length === 4) {
    const [x0, y0, x1, y1] = corners;
    context.rect(x0, y0, x1 - x0, y1 - y0);
  } else {
    for (let i = 0; i < corners.length; i += 2) context.lineTo(corners[i], corners[i + 1]);
  }
  context.clip();
}

function paintImage(context, { image, alpha, matrix, clip }) {
  clipTo(context, clip);
  context.globalAlpha = alpha;
  context.imageSmoothingEnabled = false;
  context.transform(...matrix);
  context.drawImage(image, 0, 0);
}

function stamp(context, { path, style: [clip, fill, stroke, pen], offsets }, theme) {
  clipTo(context, clip);
  if (fill) context.fillStyle = theme[fill[0]] ?? fill[0];
  if (stroke) {
    const [width, cap, join, dashes, dashOffset] = pen;
    context.strokeStyle = theme[stroke[0]] ?? stroke[0];
    context.lineWidth = width;
    context.lineCap = cap === "projecting" ? "square" : cap;
    context.lineJoin = join;
    context.setLineDash(dashes);
    context.lineDashOffset = dashOffset;
  }
  let [x, y] = [0, 0];
  for (let i = 0; i < offsets.length; i += 2) {
    context.translate(offsets[i] - x, offsets[i + 1] - y);
    [x, y] = [offsets[i], offsets[i + 1]];
    if (fill) {
      context.globalAlpha = fill[1];
      context.fill(path);
    }
    if (stroke) {
      context.globalAlpha = stroke[1];
      context.stroke(path);
    }
  }
}

/** Colours of the reader's theme, read from the card's style sheet. */
function readTheme(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(
    ["ink", "paper", "grid"].map((token) => [token, style.getPropertyValue(`--dlc-${token}`).trim()]));
}

function make(tag, className, parent, attributes = {}) {
  const element = document.createElement(tag);
  element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

/** Data coordinates to CSS pixels of the figure and back, for linear and logarithmic axes. */
function axesMap({ box: [left, top, right, bottom], xlim, ylim, log }) {
  const along = (limits, isLog, from, to) => {
    const [a, b] = isLog ? limits.map(Math.log10) : limits;
    return {
      toPixel: (value) => from + (((isLog ? Math.log10(value) : value) - a) / (b - a)) * (to - from),
      toData: (pixel) => {
        const value = a + (Math.min(Math.max((pixel - from) / (to - from), 0), 1)) * (b - a);
        return isLog ? 10 ** value : value;
      },
    };
  };
  return [along(xlim, log[0], left, right), along(ylim, log[1], bottom, top)];
}

/** One button that is dragged, or moved by the arrow keys, and tells `moved` its data position. */
function makePoint(stage, label, axes, [width, height], moved, released) {
  const button = make("button", "dlc-point", stage, { type: "button", "data-lm-suppress-shortcuts": "true" });
  const maps = axesMap(axes);
  let position = [0, 0];
  const pixels = () => position.map((value, i) => maps[i].toPixel(value));
  const show = (xy) => {
    position = xy;
    const [x, y] = pixels();
    button.style.left = `${(100 * x) / width}%`;
    button.style.top = `${(100 * y) / height}%`;
    const spoken = xy.map((value) => value.toPrecision(3)).join(", ");
    button.setAttribute("aria-label", `${label} at ${spoken}: drag it, or use the arrow keys`);
  };
  const moveTo = (pixel) => {
    show(pixel.map((value, i) => maps[i].toData(value)));
    moved(position);
  };
  let grip = null; // where on the button the pointer holds it
  button.addEventListener("pointerdown", (event) => {
    const box = button.getBoundingClientRect();
    grip = [event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2];
    button.setPointerCapture(event.pointerId);
  });
  button.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const box = stage.getBoundingClientRect();
    moveTo([event.clientX - box.x - grip[0], event.clientY - box.y - grip[1]].map((v) => (v * width) / box.width));
  });
  for (const type of ["pointerup", "pointercancel"])
    button.addEventListener(type, () => {
      grip = null;
      released();
    });
  button.addEventListener("keydown", (event) => {
    const direction = KEYS[event.key];
    if (!direction) return;
    event.preventDefault();
    event.stopPropagation();
    const step = event.shiftKey ? BIG_KEY_STEP : KEY_STEP;
    moveTo(pixels().map((value, i) => value + step * direction[i]));
    released();
  });
  return { show, pixels, isHeld: () => grip !== null };
}

/** Frames by key, the least recently used dropped first. */
function makeCache(limit) {
  const frames = new Map();
  let bytes = 0;
  return {
    has: (key) => frames.has(key),
    get size() { return frames.size; },
    get(key) {
      const frame = frames.get(key);
      frames.delete(key);
      frames.set(key, frame);
      return frame;
    },
    set(key, frame) {
      bytes += frame.byteLength - (frames.get(key)?.byteLength ?? 0);
      frames.delete(key);
      frames.set(key, frame);
      for (const [oldest, old] of frames) {
        if (bytes <= limit) break;
        bytes -= old.byteLength;
        frames.delete(oldest);
      }
    },
  };
}

/** Show an explorer in `el`. `host` is where its controls and its frames come from. */
function mount(el, host) {
  const [width, height] = host.size;
  el.classList.add("dlc-canvas");
  make("div", "dlc-title", el).textContent = host.title;
  const stage = make("div", "dlc-stage", el);
  stage.style.cssText = `max-width: ${width}px; aspect-ratio: ${width} / ${height}`;
  const layers = ["static", "frame"].map((name) => {
    const canvas = make("canvas", `dlc-${name}`, stage);
    return { context: canvas.getContext("2d"), list: null };
  });
  layers[0].context.canvas.setAttribute("aria-hidden", "true");
  const image = layers[1].context.canvas;
  image.setAttribute("role", "img");
  const note = make("p", "dlc-note", stage, { role: "status" });
  const sentence = make("p", "dlc-sentence", el, { role: "status", "aria-live": "polite" });

  let [theme, scale] = [{}, 1];
  const draw = ({ context, list }) => list && paint(context, list, scale, theme);
  const show = (bytes) => {
    layers[1].list = decode(bytes);
    draw(layers[1]);
    const text = layers[1].list.sentence;
    if (sentence.textContent !== text) sentence.textContent = text;
    image.setAttribute("aria-label", `${host.title} ${text}`);
  };
  const tell = (text) => note.textContent !== text && (note.textContent = text);

  // Points.
  const moveRows = (name, i, xy) => {
    const rows = structuredClone(host.positions());
    rows[name][i] = xy;
    host.setPositions(rows);
    update();
  };
  const points = host.points.flatMap(({ name, label, axes, count }) =>
    Array.from({ length: count }, (_, i) => {
      const point = makePoint(stage, label, axes, host.size, (xy) => moveRows(name, i, xy), () => schedule());
      return { ...point, follow: () => point.show(host.positions()[name][i]) };
    }));
  points.forEach((point) => point.follow());

  // Frames: what is kept is drawn at once, what is not is asked for, one question at a time.
  const cache = makeCache(CACHE_BYTES);
  const place = () => points.flatMap((point) => point.pixels().map(Math.round)).join();
  const keyOf = (indices) => `${indices.join()}|${place()}`;
  const indicesNow = () => host.controls.map((_, i) => host.index(i));
  let [shown, waiting, ahead, seen, touched, timers] = [null, null, null, false, 0, []];

  const update = () => {
    const indices = indicesNow();
    const key = keyOf(indices);
    if (cache.has(key)) {
      if (key !== shown) show(cache.get(key));
      shown = key;
      tell("");
    } else if (waiting === null) {
      waiting = key;
      after(COMPUTING, () => tell("computing …"));
      after(LOST, () => tell(LOST_TEXT));
      host.ask({ ask: "now", key, indices, positions: host.positions() });
    }
    schedule();
  };
  const after = (delay, action) => timers.push(setTimeout(action, delay));
  const receive = ({ answer, asked, keys, failed, positions }, buffers) => {
    if (!failed) keys.forEach((key, i) => cache.set(key, buffers[i]));
    stage.dataset.cached = cache.size;
    if (answer === "now") {
      if (keys[0] !== waiting) return; // another view asked
      timers.splice(0).forEach(clearTimeout);
      waiting = null;
      tell("");
      show(buffers[0]);
      shown = failed ? null : keys[0];
      if (host.follow(positions, keys[0] === keyOf(indicesNow()))) points.forEach((point) => point.follow());
      if (keys[0] !== keyOf(indicesNow())) update();
    } else if (asked === ahead && !failed) { // after an error, nothing more is asked ahead
      ahead = null;
      schedule();
    }
  };

  // Ahead: through the present point along each control, the last touched first, nearest first.
  const missing = () => {
    const here = indicesNow();
    const order = host.controls.map((_, i) => i).sort((a, b) => (b === touched) - (a === touched));
    return order.flatMap((i) =>
      Array.from({ length: host.controls[i].count }, (_, index) => index)
        .sort((a, b) => Math.abs(a - here[i]) - Math.abs(b - here[i]))
        .map((index) => here.with(i, index))
        .filter((indices) => !cache.has(keyOf(indices))));
  };
  let quiet = 0;
  const schedule = () => {
    clearTimeout(quiet);
    quiet = setTimeout(askAhead, QUIET);
  };
  const askAhead = () => {
    host.save();
    if (!host.prefetch) stage.dataset.prefetch = "off";
    if (!host.prefetch || !seen || waiting !== null || ahead !== null || points.some((point) => point.isHeld())) return;
    const indices = missing().slice(0, BATCH);
    stage.dataset.prefetch = indices.length ? "running" : "done";
    if (!indices.length) return;
    const keys = indices.map(keyOf);
    ahead = keys[0];
    host.ask({ ask: "ahead", asked: ahead, keys, indices });
  };

  // The page.
  const resize = () => {
    if (!stage.clientWidth) return; // not in the page, or behind another tab
    scale = (Math.max(1, devicePixelRatio) * stage.clientWidth) / width;
    for (const { context } of layers) {
      context.canvas.width = Math.round(width * scale);
      context.canvas.height = Math.round(height * scale);
    }
    recolour();
  };
  const recolour = () => {
    theme = readTheme(el);
    layers.forEach(draw);
  };
  const observers = [
    new ResizeObserver(resize),
    new IntersectionObserver(([entry]) => {
      seen = entry.isIntersecting;
      if (seen) schedule();
    }),
    // JupyterLab sets these attributes when the new theme's style sheet has been applied.
    new MutationObserver(recolour),
  ];
  observers[0].observe(stage);
  observers[1].observe(stage);
  observers[2].observe(document.body, { attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });
  layers[0].list = decode(host.static());
  show(host.frame());
  if (host.isPresent(indicesNow())) {
    shown = keyOf(indicesNow());
    cache.set(shown, host.frame());
  } else update(); // the controls have moved since, as before a reload of the page
  return {
    receive,
    lost: () => {
      ahead ??= "nothing more";
      tell(LOST_TEXT);
    },
    moved: (i) => {
      touched = i;
      update();
    },
    pointsMoved: () => {
      points.forEach((point) => point.isHeld() || point.follow());
      update();
    },
    close: () => {
      observers.forEach((observer) => observer.disconnect());
      timers.forEach(clearTimeout);
      clearTimeout(quiet);
    },
  };
}

/** Give a slider's handle the name and the value that are read aloud; ipywidgets leaves it none. */
function nameHandle(card, i, name) {
  const cell = card?.querySelector(".dlc-controls")?.children[i];
  const handle = cell?.querySelector(".noUi-handle");
  if (!handle) return;
  handle.setAttribute("aria-label", name);
  handle.setAttribute("aria-valuetext", cell.querySelector(".widget-readout")?.textContent ?? "");
}

async function render({ model, el }) {
  const controls = model.get("controls");
  const models = await Promise.all(
    controls.map(({ model: id }) => model.widget_manager.get_model(id.slice("IPY_MODEL_".length))));
  const name = () => controls.forEach((control, i) => nameHandle(el.closest(".dlc-explorer"), i, control.name));
  let view = null;
  let unsaved = false; // the kernel learns positions with each question; the model when all is quiet
  const host = {
    title: model.get("title"),
    size: model.get("size"),
    points: model.get("points"),
    controls,
    prefetch: model.get("prefetch"),
    static: () => model.get("static"),
    frame: () => model.get("frame"),
    isPresent: (indices) => JSON.stringify([indices, model.get("positions")]) === JSON.stringify(model.get("present")),
    index(i) {
      const { by, low, step } = controls[i];
      return Math.round((models[i].get(by) - low) / step);
    },
    positions: () => model.get("positions"),
    setPositions: (rows) => {
      model.set("positions", rows);
      unsaved = true;
    },
    save: () => {
      if (unsaved) model.save_changes();
      unsaved = false;
    },
    // The server may hold the answer back for 40 ms until our side acknowledges the kernel's
    // "busy" (Nagle's algorithm, delayed acknowledgement); a word from us carries that at once.
    ask(content) {
      const send = (word, callbacks) => {
        try {
          model.send(word, callbacks);
        } catch { // the connection to the kernel is gone
          view?.lost();
        }
      };
      const status = ({ content: { execution_state: state } }) => state === "busy" && send({ ask: "nothing" });
      send(content, { iopub: { status } });
    },
    /** Take over where constraints put the points; tell whether they differ from what is shown. */
    follow(rows, isCurrent) {
      if (!isCurrent || JSON.stringify(rows) === JSON.stringify(model.get("positions"))) return false;
      model.set("positions", rows);
      return true;
    },
  };
  view = mount(el, host);
  const listeners = [
    ...models.map((control, i) => [control, `change:${controls[i].by}`, () => {
      view.moved(i);
      requestAnimationFrame(name);
    }]),
    [model, "change:positions", view.pointsMoved],
    [model, "msg:custom", view.receive],
    [model, "comm_live_update", view.lost],
  ];
  for (const [source, event, listener] of listeners) source.on(event, listener);
  requestAnimationFrame(name);
  return () => {
    view.close();
    for (const [source, event, listener] of listeners) source.off(event, listener);
  };
}

export default { render };
