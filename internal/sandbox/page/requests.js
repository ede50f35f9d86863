// The latest requests, newest first, with the check that refused one and what a fault did to it.

import { at, clockTime, copyButton, el, facts, get, icon, lastPart, row, toast } from "./dom.js";
import { current, onReset } from "./page.js";

let list = []; // newest first
let chosen = null;
let drawn = null;

export function startRequests() {
  at("requests-refused").addEventListener("change", render);
  onReset(() => {
    list = [];
    chosen = drawn = null;
    render();
  });
  setInterval(() => {
    if (current() === "requests" && !document.hidden) load(false);
  }, 1500);
}

export const showRequests = () => load(true);

async function load(loud) {
  try {
    const { requests } = await get(`/requests?limit=256&after=${list.length > 0 ? list[0].id : 0}`);
    if (requests.length === 0 && !loud) return;
    list = [...requests, ...list].slice(0, 256);
    render();
  } catch {
    if (loud) toast("The sandbox does not answer.", true);
  }
}

const took = (ms) => (ms < 0.1 ? "< 0.1 ms" : `${ms.toLocaleString(undefined, { maximumFractionDigits: ms < 10 ? 1 : 0 })} ms`);

const wentWrong = (r) => r.refused || r.lost;

function render() {
  const alone = at("requests-refused").checked;
  const shown = list.filter((r) => !alone || wentWrong(r));
  at("requests-empty").hidden = list.length > 0;
  at("requests-split").hidden = list.length === 0;
  const refused = list.filter(wentWrong).length;
  at("requests-count").textContent = list.length === 0 ? "" : `The latest ${list.length}, of which ${refused || "none"} ${refused === 1 ? "was" : "were"} refused or lost`;
  const focused = document.activeElement?.closest?.("#seen") ? chosen : null;
  at("seen").replaceChildren(...shown.map((request) => {
    const status = request.status === 0 ? "lost" : String(request.status);
    const item = row("request", () => {
      chosen = request.id;
      render();
    }, el("span", "num", clockTime(request.at)), el("span", "mono cut", lastPart(request.path) || "/"),
      el("span", request.status >= 500 || request.status === 0 ? "text-warn" : request.status >= 400 ? "text-bad" : "", status),
      el("span", "num", took(request.ms)));
    if (request.id === chosen) item.firstElementChild.setAttribute("aria-current", "true");
    return item;
  }));
  if (focused !== null) at("seen").querySelector('[aria-current="true"]')?.focus();
  detail(shown.find((r) => r.id === chosen) || null);
}

function callout(kind, title, ...lines) {
  return el("div", "callout " + kind, icon("info"), el("div", "", el("strong", "", title), ...lines.filter(Boolean)));
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function block(title, text, what) {
  return el("div", "sub", el("div", "between", el("h3", "", title), copyButton(text, what, true)), el("pre", "", text));
}

function detail(request) {
  if (request === drawn && request) return;
  drawn = request;
  const to = at("request");
  if (!request) {
    to.replaceChildren(el("p", "note", "Choose a request to see what came, who stamped it, and what was checked."));
    return;
  }
  const parts = [el("div", "", el("h2", "mono any", lastPart(request.path)), el("p", "note mono any", `${request.method} ${request.path}`))];
  if (request.refused) {
    const { check, expected, seen, message, turnkeyErrorCode } = request.refused;
    parts.push(callout("bad", check ? `Check that refused: ${check}` : "Refused", el("p", "any", message), facts([["Expected", expected], ["Seen", seen], ["Code", turnkeyErrorCode, true]])));
  }
  if (request.lost) parts.push(callout("warn", "No answer left", el("p", "any", request.lost)));
  if (request.fault) parts.push(callout("warn", "A fault met it", el("p", "mono any", JSON.stringify(request.fault))));
  parts.push(facts([
    ["Answer", request.status === 0 ? "none" : `${request.status} after ${took(request.ms)}`],
    ["At", clockTime(request.at) + " on the sandbox’s clock"],
    ["Activity", request.activityType, true],
    ["Organization", request.organizationId, true],
    ["User", request.userId, true],
  ]));
  if (request.stamp) parts.push(el("div", "sub", el("h3", "", "Stamp, decoded"), facts(Object.entries(request.stamp).map(([name, value]) => [name, typeof value === "string" ? value : JSON.stringify(value), true]))));
  if (request.body) parts.push(block(request.bodyCut ? "Body, cut" : "Body, laid out", pretty(request.body), "the body"));
  const headers = Object.entries(request.headers || {}).map(([name, values]) => `${name}: ${values.join(", ")}`).sort().join("\n");
  parts.push(el("details", "", el("summary", "", "Headers"), el("pre", "", headers)));
  to.replaceChildren(...parts);
  to.scrollTop = 0;
}
