// The example of build/example, as its reader runs it: Vite serves it in development, and a person in Chromium logs in
// and signs. EXAMPLE is a copy of it with its packages; the two URLs in the environment count before its own.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { verifyMessage } from "viem";
import { build, createServer, version } from "../../../frontend/node_modules/vite/dist/node/index.js";
import { launch, patience } from "./browser.mjs";
import { code, flow, named, step } from "./steps.mjs";

const { EXAMPLE: root, PINS } = process.env;
const client = named("@turnkey/core", `in Chromium, pins swapped, build/example by vite ${version}`);
const email = "reader@example.com";
const common = { root, logLevel: "error" };

await step("it names the packages that run here", () => {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(`${root}/package.json`));
  assert.deepEqual({ ...dependencies, ...devDependencies }, { "@turnkey/core": named("@turnkey/core").split(" ")[1], vite: version });
});

const server = await step("vite", async () => {
  const server = await createServer({ ...common, mode: "development", server: { host: "127.0.0.1" } });
  return server.listen();
});
const { browser, end } = await launch();
const page = await browser.newPage();
page.setDefaultTimeout(patience);
page.on("pageerror", (error) => console.error(`  page  ${error.stack}`));

/** The first element of the selector, once the page shows it. What the page says of a trouble fails the test. */
async function shown(selector) {
  await page.locator(`${selector}:visible, #trouble:not(:empty)`).first().waitFor();
  assert.equal(await page.locator("#trouble").textContent(), "");
  return page.locator(selector);
}
const text = async (id) => (await shown(`#${id}:not(:empty)`)).textContent();
const press = (name) => page.getByRole("button", { name }).click();

/** Logs in as a person does, and returns the organization that the page shows. */
async function logIn() {
  await (await shown("#begin input")).fill(email);
  await press("Send code");
  const field = await shown("#prove input");
  await field.fill(await code(email));
  await press("Log in");
  return text("organization");
}

const { organization, address } = await flow(client, "sign-up and a wallet", async () => {
  await page.goto(server.resolvedUrls.local[0]);
  const organization = await logIn();
  assert.match(organization, /^[0-9a-f-]{36}$/);
  await press("Create wallet");
  return { organization, address: await text("address") };
});
await flow(client, "log-out, log-in, and a signature that viem takes", async () => {
  await press("Log out");
  assert.equal(await logIn(), organization);
  assert.equal(await text("address"), address);
  await page.getByLabel("Message").fill("grüße");
  await press("Sign");
  assert.ok(await verifyMessage({ address, message: "grüße", signature: await text("signature") }));
});
await end();
await server.close();

await step("what is published knows Turnkey alone", async () => {
  const [sandbox, backend] = ["VITE_TURNKEY_API_BASE_URL", "VITE_TURNKEY_AUTH_PROXY_URL"].map((name) => {
    const url = process.env[name];
    delete process.env[name];
    return url;
  });
  const { output } = await build({ ...common, build: { write: false } });
  const script = output.map(({ code }) => code ?? "").join("");
  for (const theirs of ["https://api.turnkey.com", "https://authproxy.turnkey.com"]) assert.ok(script.includes(theirs), theirs);
  for (const ours of [sandbox, backend, "127.0.0.1", ...Object.values(JSON.parse(PINS))]) assert.ok(!script.includes(ours), ours);
});
