// Turnkey's npm packages pin the public keys of Turnkey's enclaves. To run a page against the sandbox, which cannot sign
// for those, its bundler puts the sandbox's keys in their place:
//
//   import { execFileSync } from "node:child_process";
//   import { pins } from "./build/pins.mjs";
//   const sandbox = pins(execFileSync("latchkey", ["sandbox", "--print-pins", "--seed", "7"], { encoding: "utf8" }));
//   plugins: [sandbox.vite]        // vite.config.js, for development alone
//   plugins: [sandbox.esbuild]     // esbuild
//
// Vite 8 bundles packages ahead of time and keeps them: after a change of the seed, vite --force. Before Vite 8 that takes
// optimizeDeps.esbuildOptions.plugins: [sandbox.esbuild] besides. Never in a build that is published: whoever has the
// sandbox's seed has these keys.
import { readFile } from "node:fs/promises";

/** Plugins that swap every pinned key for its stand-in, given what `latchkey sandbox --print-pins` prints. */
export function pins(printed) {
  const name = "turnkey-sandbox-pins";
  const swap = (code) => Object.entries(JSON.parse(printed)).reduce((text, [theirs, ours]) => text.replaceAll(theirs, ours), code);
  const load = async ({ path }) => ({ contents: swap(await readFile(path, "utf8")), loader: "js" });
  const esbuild = { name, setup: (build) => build.onLoad({ filter: /[\\/]@turnkey[\\/].*\.m?js$/ }, load) };
  const transform = (code, id) => (id.includes("@turnkey") ? { code: swap(code), map: null } : null);
  const vite = { name, transform, config: () => ({ optimizeDeps: { rolldownOptions: { plugins: [{ name, transform }] } } }) };
  return { esbuild, vite };
}
