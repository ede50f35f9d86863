// What all parts of the page share. Texts are set as text, never as markup, for anybody may have written them.

const svg = "http://www.w3.org/2000/svg";

export const at = (id) => document.getElementById(id);

/** el makes an element: el("p", "note", "text", child …). A class name may be empty, children that are null are left out. */
export function el(name, className, ...children) {
  const node = document.createElement(name);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** put gives a node properties and returns it. */
export function put(node, properties) {
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) node.setAttribute(name, value);
    else node[name] = value;
  }
  return node;
}

export function icon(name) {
  const picture = document.createElementNS(svg, "svg");
  picture.setAttribute("class", "i");
  picture.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(svg, "use");
  use.setAttribute("href", "#i-" + name);
  picture.append(use);
  return picture;
}

/** facts makes a list of names and values; what has no value is left out. */
export function facts(pairs) {
  const list = el("dl", "facts");
  for (const [name, value, mono] of pairs) {
    if (value === undefined || value === null || value === "") continue;
    list.append(el("dt", "", name), el("dd", mono ? "mono" : "", value));
  }
  return list;
}

/** Refused is an answer of the sandbox that is no success, in its own words. */
export class Refused extends Error {}

/** call asks the sandbox. It throws Refused, or what fetch throws when nobody answers. */
export async function call(method, path, body, signal) {
  const request = { method, signal, headers: {} };
  if (body !== undefined) {
    request.headers["Content-Type"] = "application/json";
    request.body = typeof body === "string" || body instanceof Blob ? body : JSON.stringify(body);
  }
  const answer = await fetch(path, request);
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Refused(said.message || "status " + answer.status);
  }
  return answer;
}

export const get = async (path, signal) => (await call("GET", path, undefined, signal)).json();

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export function toast(text, bad) {
  const note = el("p", bad ? "toast bad" : "toast", text);
  at("toasts").append(note);
  setTimeout(() => note.remove(), bad ? 8000 : 4000);
}

/** tried runs what a button does, and says what went wrong. */
export async function tried(button, run) {
  button.disabled = true;
  try {
    return await run();
  } catch (cause) {
    toast(cause instanceof Refused ? cause.message : "The sandbox does not answer.", true);
  } finally {
    button.disabled = false;
  }
}

/** announce tells it to those who hear the page. */
export function announce(text) {
  at("announce").textContent = text;
}

/** ask is true when the question was answered with yes. */
export function ask(title, text, yes) {
  const dialog = at("ask");
  at("ask-title").textContent = title;
  at("ask-text").textContent = text;
  at("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((answer) => dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"), { once: true }));
}

/** copyButton copies a text, and says so on itself. */
export function copyButton(text, what, small) {
  const word = el("span", "", "Copy");
  const button = put(el("button", small ? "btn quiet small" : "btn", icon("copy"), word), { type: "button", "aria-label": "Copy " + what });
  button.addEventListener("click", async () => {
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      said = "Not copied";
    }
    word.textContent = said;
    button.classList.toggle("done", said === "Copied");
    announce(said + ": " + what);
    setTimeout(() => {
      word.textContent = "Copy";
      button.classList.remove("done");
    }, 1500);
  });
  return button;
}

/** row makes a row of a list that shows something beside it. */
export function row(className, onSelect, ...children) {
  const button = put(el("button", className, ...children), { type: "button" });
  button.addEventListener("click", onSelect);
  button.addEventListener("keydown", (event) => {
    const item = button.parentElement;
    const to = { ArrowDown: item.nextElementSibling, ArrowUp: item.previousElementSibling, Home: item.parentElement.firstElementChild, End: item.parentElement.lastElementChild }[event.key];
    if (!to) return;
    event.preventDefault();
    to.firstElementChild.focus();
    to.firstElementChild.click();
  });
  return el("li", "", button);
}

const time = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "long", year: "numeric" });

export const clockTime = (ms) => time.format(new Date(ms));
export const dayOf = (ms) => day.format(new Date(ms));

/** span says a length of time in its two largest units. */
export function span(seconds) {
  const units = [[86400, "day"], [3600, "h"], [60, "min"], [1, "s"]];
  let rest = Math.round(Math.abs(seconds));
  const words = [];
  for (const [size, name] of units) {
    const n = Math.floor(rest / size);
    if (n > 0 && words.length < 2) words.push(`${n.toLocaleString()} ${name}${name === "day" && n > 1 ? "s" : ""}`);
    rest -= n * size;
  }
  return words.join(" ") || "0 s";
}

/** ended is the short name of a path or of a long id. */
export const lastPart = (path) => path.slice(path.lastIndexOf("/") + 1);
export const short = (id) => (id.length > 16 ? id.slice(0, 8) + "…" + id.slice(-4) : id);
