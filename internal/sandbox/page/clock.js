// The clock: read, moved, stopped.

import { at, call, clockTime, dayOf, get, tried } from "./dom.js";
import { current, difference, learnClock, onReset, sandboxClock, sandboxNow } from "./page.js";

async function set(body) {
  learnClock(await (await call("POST", "/clock", body)).json());
  render();
}

export function startClock() {
  for (const button of document.querySelectorAll("[data-advance]")) {
    button.addEventListener("click", () => tried(button, () => set({ advanceSeconds: Number(button.dataset.advance) })));
  }
  const frozen = at("clock-frozen");
  frozen.addEventListener("click", () => tried(frozen, () => set({ frozen: frozen.getAttribute("aria-checked") !== "true" })));
  const now = at("clock-now");
  now.addEventListener("click", () => tried(now, () => set({ at: Date.now() })));
  const form = at("clock-form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    tried(form.querySelector("[type=submit]"), () => set({ at: new Date(form.at.value).getTime() }));
  });
  onReset(showClock);
  setInterval(() => current() === "clock" && render(), 500);
}

export async function showClock() {
  try {
    learnClock(await get("/clock"));
  } catch {
    // the status bar says it
  }
  render();
  const form = at("clock-form");
  if (!form.at.value) {
    const local = new Date(sandboxNow() - new Date().getTimezoneOffset() * 60000);
    form.at.value = local.toISOString().slice(0, 19);
  }
}

function render() {
  at("clock-face").textContent = clockTime(sandboxNow());
  const far = difference();
  at("clock-words").textContent = `${dayOf(sandboxNow())}, ${far ? far + (far.endsWith("d") ? " of yours" : " yours") : "the same as yours"}${sandboxClock().frozen ? ". It stands still" : ""}`;
  at("clock-frozen").setAttribute("aria-checked", String(sandboxClock().frozen));
}
