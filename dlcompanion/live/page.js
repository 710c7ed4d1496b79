// An explorer without a kernel: the browser's own controls, and the frames stored in the page.
// page.py puts this file behind canvas.js, in one module.

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Make a labelled slider, choice or checkbox; positions are counted from 0. */
function makeControl({ name, kind, texts }, i, parent, moved) {
  const row = make("div", "dlc-control", parent);
  const id = `control-${i}`;
  make("label", "", row, { for: id }).textContent = name;
  const input = make(kind === "select" ? "select" : "input", "", row, { id, autocomplete: "off" });
  let [read, show] = [() => input.selectedIndex, (index) => (input.selectedIndex = index)];
  if (kind === "select") {
    for (const text of texts) make("option", "", input).textContent = text;
  } else if (kind === "checkbox") {
    input.type = kind;
    [read, show] = [() => Number(input.checked), (index) => (input.checked = Boolean(index))];
  } else {
    Object.assign(input, { type: kind, min: 0, max: texts.length - 1, step: 1 });
    const output = make("output", "", row, { for: id, "aria-live": "off" });
    read = () => input.valueAsNumber;
    show = (index) => {
      input.value = index;
      output.textContent = texts[index];
      input.setAttribute("aria-valuetext", texts[index]);
    };
  }
  input.addEventListener("input", () => {
    show(read());
    moved(i);
  });
  return { read, show };
}

/** Build the page in `card`. What is stored differs from the first picture in one control only. */
function showPage(card, { controls, frames, ...picture }) {
  const home = controls.map(({ index }) => index);
  const el = make("div", "", card);
  const row = make("div", "dlc-controls", card);
  const kept = make("p", "dlc-kept", card, { role: "status" });
  let last = null; // the control that was moved last
  const moved = (i) => {
    const away = inputs.findIndex((input, j) => j !== i && input.read() !== home[j]);
    if (away >= 0) inputs[away].show(home[away]);
    if (away >= 0 || i !== last) tell(away);
    last = i;
    view.moved(i);
  };
  const tell = (away) => {
    const what = away < 0
      ? "when you move another, the first goes back"
      : `${controls[away].name} went back to ${controls[away].texts[home[away]]}`;
    kept.textContent = `This page keeps one control at a time: ${what}.`;
  };
  const inputs = controls.map((control, i) => makeControl(control, i, row, moved));
  inputs.forEach((input, i) => input.show(home[i]));
  if (controls.length > 1) tell(-1);
  const view = mount(el, {
    ...picture,
    controls,
    points: [],
    prefetch: false,
    static: () => bytesOf(picture.static),
    frame: () => bytesOf(frames[home.join()]),
    index: (i) => inputs[i].read(),
    positions: () => ({}),
    save: () => {},
    ask: ({ key, indices }) => view.receive({ answer: "now", keys: [key] }, [bytesOf(frames[indices.join()])]),
    follow: () => false,
  });
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", () => (document.body.dataset.jpThemeLight = !dark.matches));
}

showPage(document.querySelector("main"), JSON.parse(document.getElementById("stored").textContent));
