// The browser's half of the live engine: replays display lists on a canvas and moves points.
// One plain module: no build step, no network. recorder.py describes the display list.

const COORDINATES_PER_PIXEL = 16;
const LINETO = 2, CURVE3 = 3, CURVE4 = 4, CLOSEPOLY = 79;
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const [KEY_STEP, BIG_KEY_STEP] = [2, 20]; // px

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
function makePoint(stage, label, axes, pixelsPerCss, moved) {
  const button = make("button", "dlc-point", stage, { type: "button", "data-lm-suppress-shortcuts": "true" });
  const maps = axesMap(axes);
  let position = [0, 0];
  const show = (xy) => {
    position = xy;
    const [width, height] = stage.dlcSize;
    const pixel = xy.map((value, i) => maps[i].toPixel(value));
    button.style.left = `${(100 * pixel[0]) / width}%`;
    button.style.top = `${(100 * pixel[1]) / height}%`;
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
    moveTo([event.clientX - box.x - grip[0], event.clientY - box.y - grip[1]].map((v) => v * pixelsPerCss()));
  });
  for (const type of ["pointerup", "pointercancel"]) button.addEventListener(type, () => (grip = null));
  button.addEventListener("keydown", (event) => {
    const direction = KEYS[event.key];
    if (!direction) return;
    event.preventDefault();
    event.stopPropagation();
    const step = event.shiftKey ? BIG_KEY_STEP : KEY_STEP;
    moveTo(position.map((value, i) => maps[i].toPixel(value) + step * direction[i]));
  });
  return { show, isHeld: () => grip !== null };
}

function render({ model, el }) {
  el.classList.add("dlc-canvas");
  const [width, height] = model.get("size");
  make("div", "dlc-title", el).textContent = model.get("title");
  const stage = make("div", "dlc-stage", el);
  stage.dlcSize = [width, height];
  stage.style.cssText = `max-width: ${width}px; aspect-ratio: ${width} / ${height}`;
  const layers = ["static", "frame"].map((name) => {
    const canvas = make("canvas", `dlc-${name}`, stage);
    return { name, context: canvas.getContext("2d"), list: null };
  });
  layers[0].context.canvas.setAttribute("aria-hidden", "true");
  const image = layers[1].context.canvas;
  image.setAttribute("role", "img");
  const sentence = make("p", "dlc-sentence", el, { role: "status", "aria-live": "polite" });

  let theme = {};
  let scale = 1;
  const pixelsPerCss = () => width / stage.clientWidth;
  const draw = ({ context, list }) => list && paint(context, list, scale, theme);
  const load = (layer) => {
    layer.list = decode(model.get(layer.name));
    draw(layer);
    if (layer.name !== "frame") return;
    const text = layer.list.sentence;
    if (sentence.textContent !== text) sentence.textContent = text;
    image.setAttribute("aria-label", `${model.get("title")} ${text}`);
  };

  const points = model.get("points").flatMap(({ name, label, axes, count }) =>
    Array.from({ length: count }, (_, i) => {
      const point = makePoint(stage, label, axes, pixelsPerCss, (xy) => {
        const all = structuredClone(model.get("positions"));
        all[name][i] = xy;
        model.set("positions", all);
        model.save_changes();
      });
      return { ...point, read: () => model.get("positions")[name][i] };
    }));
  const showPoints = () => points.forEach((point) => point.isHeld() || point.show(point.read()));

  const resize = () => {
    if (!stage.clientWidth) return; // not in the page, or behind another tab
    theme = readTheme(el);
    scale = Math.max(1, devicePixelRatio) / pixelsPerCss();
    for (const layer of layers) {
      layer.context.canvas.width = Math.round(width * scale);
      layer.context.canvas.height = Math.round(height * scale);
      draw(layer);
    }
  };
  const refreshTheme = () => {
    theme = readTheme(el);
    layers.forEach(draw);
  };
  const listeners = { "change:static": () => load(layers[0]), "change:frame": () => load(layers[1]), "change:positions": showPoints };
  for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);
  const resized = new ResizeObserver(resize);
  resized.observe(stage);
  // JupyterLab sets these attributes when the new theme's style sheet has been applied.
  const themed = new MutationObserver(refreshTheme);
  themed.observe(document.body, { attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"] });
  showPoints();
  layers.forEach(load);
  return () => {
    for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
    resized.disconnect();
    themed.disconnect();
  };
}

export default { render };
