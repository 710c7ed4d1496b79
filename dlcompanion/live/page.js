// An explorer without a kernel: the browser's own controls, and the frames stored in the page.
// page.py puts this file behind canvas.js, in one module.

const HOLDS = { range: "valueAsNumber", select: "selectedIndex", checkbox: "checked" };
const ONE_AT_A_TIME = "This page keeps one control at a time";
const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Make a labelled slider, choice or checkbox; `read` and `show` count its positions from 0. */
function makeControl({ name, kind, texts }, i, parent, moved) {
  const row = make("div", "dlc-control", parent);
  const id = `control-${i}`;
  make("label", "", row, { for: id }).textContent = name;
  const input = make(kind === "select" ? kind : "input", "", row, { id });
  const output = kind === "range" && make("output", "", row, { for: id, "aria-live": "off" });
  if (kind === "select") input.append(...texts.map((text) => new Option(text)));
  else Object.assign(input, { type: kind, min: 0, max: texts.length - 1, step: 1 });
  const read = () => Number(input[HOLDS[kind]]);
  const show = (index) => {
    input[HOLDS[kind]] = index;
    if (output) input.ariaValueText = output.textContent = texts[index];
  };
  input.addEventListener("input", () => (show(read()), moved(i)));
  return { read, show };
}

/** Make a move of one control known: another one that is away from `home` goes back, and it is said. */
function oneAtATime(controls, home, inputs, said) {
  const tell = (text) => said.textContent !== text && (said.textContent = text);
  const rule = controls.length > 1 ? `${ONE_AT_A_TIME}: move another, and the first goes back.` : "";
  let last = null; // the control that was moved last: while it moves on, what was said stays
  tell(rule);
  return (i) => {
    const away = inputs.findIndex(({ read }, j) => j !== i && read() !== home[j]);
    if (away >= 0) {
      const { name, texts } = controls[away];
      inputs[away].show(home[away]);
      tell(`${ONE_AT_A_TIME}: ${name} went back to ${texts[home[away]]}.`);
    } else if (i !== last) tell(rule);
    last = i;
  };
}

/** Build the page in `card`. */
function showPage(card, { controls, frames, ...picture }) {
  const [el, row] = [make("div", "", card), make("div", "dlc-controls", card)];
  const home = controls.map(({ index }) => index);
  const inputs = [];
  const goBack = oneAtATime(controls, home, inputs, make("p", "dlc-kept", card, { role: "status" }));
  const moved = (i) => (goBack(i), view.moved(i));
  controls.forEach((control, i) => inputs.push(makeControl(control, i, row, moved)));
  inputs.forEach(({ show }, i) => show(home[i]));
  const view = mount(el, {
    ...picture, controls, points: [], prefetch: false,
    static: () => bytesOf(picture.static),
    frame: () => bytesOf(frames[home.join()]),
    isPresent: () => true,
    index: (i) => inputs[i].read(),
    positions: () => ({}),
    save: () => {},
    ask: ({ key, indices }) => view.receive({ answer: "now", keys: [key] }, [bytesOf(frames[indices.join()])]),
    follow: () => false,
  });
  const dark = matchMedia("(prefers-color-scheme: dark)"); // told to canvas.js as JupyterLab does
  dark.addEventListener("change", () => (document.body.dataset.jpThemeLight = !dark.matches));
}

showPage(document.querySelector("main"), JSON.parse(document.getElementById("stored").textContent));
