// The bundler's plugins of build/pins.mjs: after them no pinned key of production is left in a bundle of Turnkey's
// packages, and the sandbox's are there. Without them it is the other way round, or this would prove nothing.
import assert from "node:assert/strict";
import { build as esbuild } from "esbuild";
import { build as vite } from "../../../frontend/node_modules/vite/dist/node/index.js";
import { pins } from "../../../build/pins.mjs";
import { step } from "./steps.mjs";

const printed = process.env.PINS;
const keys = Object.entries(JSON.parse(printed));
const plugins = pins(printed);
const source = 'export * from "@turnkey/crypto";';
const entry = { name: "entry", resolveId: (id) => (id === "entry" ? id : null), load: (id) => (id === "entry" ? source : null) };

const bundlers = {
  async esbuild(swap) {
    const stdin = { contents: source, resolveDir: import.meta.dirname };
    const { outputFiles } = await esbuild({ stdin, bundle: true, write: false, format: "esm", plugins: swap ? [plugins.esbuild] : [] });
    return outputFiles[0].text;
  },
  async vite(swap) {
    const options = { write: false, minify: false, rolldownOptions: { input: "entry", preserveEntrySignatures: "strict" } };
    const { output } = await vite({ root: import.meta.dirname, configFile: false, logLevel: "error", plugins: swap ? [entry, plugins.vite] : [entry], build: options });
    return output.map(({ code }) => code ?? "").join("");
  },
};

for (const [name, bundle] of Object.entries(bundlers)) {
  await step(`${name} swaps every pinned key that the packages have`, async () => {
    const [before, after] = [await bundle(false), await bundle(true)];
    const pinned = keys.filter(([theirs]) => before.includes(theirs));
    assert.ok(pinned.length >= 4, `${pinned.length} pinned keys`);
    for (const [theirs, ours] of pinned) {
      assert.ok(!before.includes(ours) && after.includes(ours) && !after.includes(theirs), theirs);
    }
  });
}
