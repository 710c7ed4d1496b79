// An explorer without a kernel: the browser's own controls, and the frames stored in the page.
// page.py puts this file behind canvas.js, in one module.

const HOLDS = { range: "valueAsNumber", select: "selectedIndex", checkbox: "checked" };
const ONE_AT_A_TIME = "This page keeps one control at a time";
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Make a labelled slider, choice or checkbox, which counts its positions from 0 as models do. */
function makeControl({ name, kind, texts, index }, id, parent, moved) {
  parent.append(document.getElementById(kind).content.cloneNode(true));
  const [label, input, output] = parent.lastElementChild.children;
  [label.textContent, label.htmlFor, input.id, input.max] = [name, id, id, texts.length - 1];
  if (kind === "select") input.append(...texts.map((text) => new Option(text)));
  const get = () => Number(input[HOLDS[kind]]);
  const show = (position) => {
    input[HOLDS[kind]] = position;
    if (output) input.ariaValueText = output.textContent = texts[position];
  };
  const on = (_, listener) => (input.oninput = () => (show(get()), moved(), listener()));
  show(index);
  return { get, show, on };
}

/** Return what makes a move known: another control not at home goes back, and it is said. */
function oneAtATime(controls, inputs, said) {
  const rule = controls[1] ? `${ONE_AT_A_TIME}: move another, and the first goes back.` : "";
  let last = null; // the control that was moved last: while it moves on, what was said stays
  say(said, rule);
  return (i) => {
    const away = inputs.findIndex(({ get }, j) => j !== i && get() !== controls[j].index);
    if (away >= 0) {
      const { name, texts, index } = controls[away];
      inputs[away].show(index);
      say(said, `${ONE_AT_A_TIME}: ${name} went back to ${texts[index]}.`);
    } else if (i !== last) say(said, rule);
    last = i;
  };
}

/** Fill the page: its model is a kernel that knows the stored frames only. */
function showPage({ controls, frames, ...stored }) {
  const [el, row, said] = document.querySelector("main").children;
  const inputs = controls.map((control, i) =>
    makeControl(control, `control-${i}`, row, () => moved(i)));
  const moved = oneAtATime(controls, inputs, said);
  const home = controls.map(({ index }) => index);
  const listeners = {};
  const traits = {
    setup: { ...stored, controls, static: bytesOf(stored.static) },
    positions: {}, present: { indices: home, positions: {}, frame: bytesOf(frames[home]) },
  };
  const dark = matchMedia("(prefers-color-scheme: dark)"); // told as JupyterLab tells its theme
  (dark.onchange = () => (document.body.dataset.jpThemeLight = !dark.matches))();
  render({ el, model: {
    get: (name) => traits[name],
    set: () => {}, save_changes: () => {}, // there is nobody to tell
    on: (event, listener) => (listeners[event] = listener),
    send: ({ key, indices }) =>
      listeners["msg:custom"](
        { answer: "now", keys: [key], positions: {} }, [bytesOf(frames[indices])]),
    widget_manager: { get_model: (i) => inputs[i] },
  } });
}

showPage(JSON.parse(document.getElementById("stored").textContent));
