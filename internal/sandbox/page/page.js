// The frame: which part is shown, whether the sandbox answers, and what time it has.

import { at, clockTime, get, span } from "./dom.js";
import { startInbox } from "./inbox.js";
import { startPeople, showPeople } from "./people.js";
import { startRequests, showRequests } from "./requests.js";
import { startFaults, showFaults } from "./faults.js";
import { startClock, showClock } from "./clock.js";
import { startState } from "./state.js";

const parts = { inbox: null, people: showPeople, requests: showRequests, faults: showFaults, clock: showClock, state: null };

/** current is the part that is shown. */
export const current = () => (location.hash.slice(1) in parts ? location.hash.slice(1) : "inbox");

function show() {
  const name = current();
  for (const part of Object.keys(parts)) at(part).hidden = part !== name;
  for (const link of document.querySelectorAll(".side a")) {
    if (link.hash === "#" + name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = at(name + "-title").textContent + " · Sandbox";
  parts[name]?.();
}

// The time: what the sandbox said last, and what has passed here since.
let known = { now: Date.now(), offsetSeconds: 0, frozen: false };
let knownAt = performance.now();

export const sandboxNow = () => (known.frozen ? known.now : known.now + performance.now() - knownAt);
export const sandboxClock = () => known;

export function learnClock(clock) {
  known = clock;
  knownAt = performance.now();
  tick();
}

/** difference says how far the sandbox's clock is from here, or "". */
export function difference() {
  const seconds = (sandboxNow() - Date.now()) / 1000;
  return Math.abs(seconds) < 2 ? "" : `${span(seconds)} ${seconds > 0 ? "ahead" : "behind"}`;
}

function tick() {
  at("time").textContent = clockTime(sandboxNow());
  const words = known.frozen ? "Clock frozen" : difference() && "Clock " + difference();
  at("skew").hidden = !words;
  at("skew").textContent = words || "";
}

/** connected says whether the last request was answered. */
export function connected(yes) {
  const cell = at("connection");
  const text = yes ? "Connected" : "The sandbox does not answer. Trying again.";
  if (cell.lastElementChild.textContent !== text) cell.lastElementChild.textContent = text;
  cell.firstElementChild.className = yes ? "dot good" : "dot warn";
}

const forgetful = [];

/** onReset is called with what is to be done when the sandbox was reset or restored. */
export function onReset(forget) {
  forgetful.push(forget);
}

export function wasReset() {
  for (const forget of forgetful) forget();
}

const learn = async () => {
  try {
    learnClock(await get("/clock"));
  } catch {
    // the inbox says that nobody answers
  }
};

// Skipping to the content must not leave the part.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  at("content").focus();
});

addEventListener("hashchange", show);
setInterval(tick, 500);
setInterval(() => document.hidden || learn(), 5000);
startPeople();
startRequests();
startFaults();
startClock();
startState();
await learn();
show();
startInbox();
