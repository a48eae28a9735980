// What is on the screen: text, numbers, rows of tables that are changed in place. Every text goes in
// with textContent: names, labels and notes are anybody's.

export const $ = (id) => document.getElementById(id);

export function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const number = (value) => Number(value).toLocaleString("en");

export function duration(ms) {
  const s = Math.floor(ms / 1000), m = Math.floor(s / 60), h = Math.floor(m / 60);
  if (s < 60) return `${s} s`;
  if (m < 60) return `${m} min`;
  if (h < 48) return `${h} h ${m % 60} min`;
  return `${Math.floor(h / 24)} days`;
}

export const clock = () => new Date().toLocaleTimeString("en-GB");

const presses = new WeakMap();

// A button that opens a dialog: its text, what it is to who cannot see where it stands, what it does.
export function fillButton(parent, { text, label, press }) {
  let button = parent.firstElementChild;
  if (!button) {
    button = parent.appendChild(make("button"));
    button.type = "button";
  }
  if (button.getAttribute("aria-label") !== label) button.setAttribute("aria-label", label);
  // What it does may change, as the row that it stands in.
  if (!presses.has(button)) button.addEventListener("click", () => presses.get(button)());
  presses.set(button, press);
  say(button, text);
}

// A cell: a text, or { text, href, className }, or a button with { press }.
function fillCell(cell, content) {
  const { text, href, press, className } = typeof content === "object" ? content : { text: content };
  cell.className = className || "";
  if (press) {
    fillButton(cell, content);
    return;
  }
  if (!href) {
    say(cell, String(text));
    return;
  }
  let link = cell.firstElementChild;
  if (!link) {
    cell.textContent = "";
    link = cell.appendChild(make("a"));
  }
  if (link.getAttribute("href") !== href) link.setAttribute("href", href);
  say(link, String(text));
}

// Show LIST in BODY, a row for each. Rows are known again by their key, so that what has the focus
// keeps it, and only what changed is drawn.
export function fillRows(body, list, keyOf, cellsOf) {
  const before = body.known || new Map(), now = new Map(), focus = document.activeElement;
  let at = body.firstElementChild;
  for (const item of list) {
    let key = keyOf(item);
    while (now.has(key)) key += "+";
    const row = before.get(key) || make("tr");
    before.delete(key);
    now.set(key, row);
    cellsOf(item).forEach((content, i) => fillCell(row.cells[i] || row.insertCell(), content));
    if (row === at) at = at.nextElementSibling;
    else body.insertBefore(row, at);
  }
  for (const row of before.values()) row.remove();
  body.known = now;
  if (focus !== document.activeElement && body.contains(focus)) focus.focus({ preventScroll: true });
}

// A curve of the last hour: VALUES (null: not known), and at which of them something is MARKED.
export function drawCurve(figure, values, marks, format) {
  const known = values.filter((value) => value !== null);
  const most = Math.max(1, ...known);
  const [svg] = figure.getElementsByTagName("svg");
  let path = "", pen = false;
  values.forEach((value, x) => {
    if (value !== null) path += `${pen ? "L" : "M"}${x} ${(100 - (96 * value) / most - 2).toFixed(1)}`;
    pen = value !== null;
  });
  svg.setAttribute("viewBox", `0 0 ${Math.max(1, values.length - 1)} 100`);
  svg.replaceChildren();
  for (const x of marks) {
    const line = svg.appendChild(document.createElementNS(svg.namespaceURI, "line"));
    for (const [name, value] of Object.entries({ x1: x, x2: x, y1: 0, y2: 100 })) line.setAttribute(name, value);
  }
  svg.appendChild(document.createElementNS(svg.namespaceURI, "path")).setAttribute("d", path);
  const last = known.length > 0 ? format(known[known.length - 1]) : "-";
  say(figure.querySelector(".now"), last);
  say(figure.querySelector(".most"), known.length > 0 ? `most: ${format(Math.max(...known))}` : "");
  svg.setAttribute("aria-label", `now ${last}, most ${known.length > 0 ? format(most) : "-"}`);
}
