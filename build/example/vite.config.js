// In development, which is vite and vite build --mode development, the keys that Turnkey's packages pin give way to those
// of the sandbox with seed 7. A vite build has Turnkey's.
import { execFileSync } from "node:child_process";
import { pins } from "../pins.mjs"; // take it along when you copy this folder

const printed = () => execFileSync("latchkey", ["sandbox", "--print-pins", "--seed", "7"], { encoding: "utf8" });

export default ({ mode }) => ({ plugins: mode === "development" ? [pins(printed()).vite] : [] });
