// Faults: a list that is read and written whole. The form makes one more.

import { at, call, el, get, put, Refused, toast, tried } from "./dom.js";
import { current, onReset } from "./page.js";

let faults = [];

export function startFaults() {
  const form = at("fault-form");
  form.what.addEventListener("change", () => fields(form));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    add(form);
  });
  at("faults-clear").addEventListener("click", (event) => tried(event.currentTarget, () => set([])));
  onReset(showFaults);
  fields(form);
  showFaults();
  setInterval(() => {
    if ((current() === "faults" || faults.length > 0) && !document.hidden) showFaults();
  }, 3000);
}

export async function showFaults() {
  try {
    render(await get("/faults"));
  } catch {
    // the status bar says it
  }
}

async function set(list) {
  render(await (await call("PUT", "/faults", list)).json());
}

/** fields shows those that go with what is to go wrong. */
function fields(form) {
  for (const node of form.querySelectorAll("[data-for]")) {
    node.hidden = node.dataset.for !== form.what.value;
    for (const input of node.querySelectorAll("input, select")) input.disabled = node.hidden;
  }
}

async function add(form) {
  const number = (name) => (form[name].value === "" ? undefined : Number(form[name].value));
  const fault = { path: form.path.value.trim() };
  switch (form.what.value) {
    case "refuse":
      Object.assign(fault, { status: number("status"), code: number("code"), message: form.message.value.trim() || undefined });
      break;
    case "wait":
      fault.latencyMs = number("latencyMs");
      break;
    case "drop":
      fault.dropReply = true;
      break;
    default:
      fault.activityStatus = form.activityStatus.value;
  }
  const rate = number("rate");
  if (rate !== undefined && rate !== 100) fault.rate = rate / 100;
  fault.times = number("times");
  const wrong = at("fault-wrong");
  wrong.hidden = true;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    await set([...(await get("/faults")), fault]);
    toast("The fault is in force.");
    form.path.value = "";
  } catch (cause) {
    wrong.textContent = cause instanceof Refused ? cause.message.replace(/^fault \d+: /, "") : "The sandbox does not answer.";
    wrong.hidden = false;
    form.path.focus();
  }
  button.disabled = false;
}

/** named says what the fault does, and how. */
function named(fault) {
  if (fault.status || fault.code) return ["Refused", [fault.status, fault.code && "code " + fault.code, fault.message]];
  if (fault.dropReply) return ["Answer lost after the work", [fault.latencyMs && `after ${fault.latencyMs.toLocaleString()} ms`]];
  if (fault.activityStatus) return ["Activity not done", [fault.activityStatus.replace("ACTIVITY_STATUS_", "").replaceAll("_", " ").toLowerCase()]];
  return ["Slow answers", [`${fault.latencyMs.toLocaleString()} ms`]];
}

function render(list) {
  faults = list;
  at("faults-on").hidden = list.length === 0;
  at("faults-on").textContent = String(list.length);
  at("faults-on").setAttribute("aria-label", `${list.length} in force`);
  at("faults-none").hidden = list.length > 0;
  at("faults-clear").hidden = list.length === 0;
  const key = JSON.stringify(list);
  if (at("faults-list").dataset.shows === key) return;
  at("faults-list").dataset.shows = key;
  at("faults-list").replaceChildren(...list.map((fault, place) => {
    const [title, words] = named(fault);
    const often = [fault.rate !== undefined && `${Math.round(fault.rate * 10000) / 100} %`, fault.times && `next ${fault.times.toLocaleString()}`];
    const remove = put(el("button", "btn quiet small", "Remove"), { type: "button", "aria-label": `Remove: ${title}, ${fault.path}` });
    remove.addEventListener("click", () => tried(remove, async () => {
      const now = await get("/faults"); // counts may have changed, the order has not
      const same = (f) => JSON.stringify({ ...f, times: 0 }) === JSON.stringify({ ...fault, times: 0 });
      const found = now[place] && same(now[place]) ? place : now.findIndex(same);
      await set(now.filter((_, i) => i !== found));
    }));
    return el("li", "", el("div", "", el("strong", "", title), el("small", "mono", [fault.path, ...words, ...often].filter(Boolean).join(" · "))), remove);
  }));
}
