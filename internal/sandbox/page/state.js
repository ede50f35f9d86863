// The whole state: saved, put back, forgotten.

import { ask, at, call, el, put, toast, tried } from "./dom.js";
import { wasReset } from "./page.js";

export function startState() {
  const dump = at("dump");
  dump.addEventListener("click", () => tried(dump, async () => {
    const text = await (await call("GET", "/state")).blob();
    const link = put(el("a"), { href: URL.createObjectURL(text), download: `sandbox-${new Date().toISOString().slice(0, 16).replace(/[-:]/g, "")}.json` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    toast("The state is downloaded.");
  }));

  const restore = at("restore");
  restore.addEventListener("submit", async (event) => {
    event.preventDefault();
    const file = restore.file.files[0];
    if (!file || !(await ask("Restore this state?", `Everything that is here now is replaced by ${file.name}. Save it first if you want it back.`, "Restore"))) return;
    tried(restore.querySelector("[type=submit]"), async () => {
      await call("PUT", "/state", file);
      restore.reset();
      wasReset();
      toast("The state is restored.");
    });
  });

  const reset = at("reset");
  reset.addEventListener("submit", async (event) => {
    event.preventDefault();
    const seed = reset.seed.value.trim();
    const keys = seed ? "It gets the keys of seed " + seed + ", and clients must be told the new ones." : "Its keys stay.";
    if (!(await ask("Reset the sandbox?", `Every organization, session, wallet and message is forgotten. ${keys}`, "Reset"))) return;
    tried(reset.querySelector("[type=submit]"), async () => {
      const told = await (await call("POST", "/reset", seed ? { seed: Number(seed) } : {})).json();
      facts(seed ? told : null);
      reset.reset();
      wasReset();
      toast("The sandbox begins anew.");
    });
  });
}

function facts(told) {
  at("facts").hidden = !told;
  if (!told) return;
  at("facts").querySelector("dl").replaceChildren(...Object.entries(told).flatMap(([name, value]) => [el("dt", "", name), el("dd", "mono", value)]));
}
