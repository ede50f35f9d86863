// A browser for Turnkey's web packages: one page that holds them, bundled as they come from npm or with the pinned keys
// swapped, in Debian's Chromium with an authenticator that touches itself.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { pins } from "../../../build/pins.mjs";

const env = process.env;

/** Bundles page.mjs. plugins are the bundler's. */
const bundle = async (plugins) => {
  const { outputFiles } = await build({
    entryPoints: [new URL("page.mjs", import.meta.url).pathname], bundle: true, write: false, format: "esm", platform: "browser", target: "chrome120",
    define: { global: "globalThis", "process.env.NODE_ENV": '"production"' }, logLevel: "error", plugins,
  });
  return outputFiles[0].text;
};

/** Serves both bundles on a free port of loopback, under the name that passkeys are bound to. */
async function serve() {
  const files = { "/unmodified.js": await bundle([]), "/swapped.js": await bundle([pins(env.PINS).esbuild]) };
  const server = createServer((request, response) => {
    const page = request.url.match(/^\/(unmodified|swapped)$/);
    if (page) return response.writeHead(200, { "Content-Type": "text/html" }).end(`<!doctype html><title>page</title><script type="module" src="/${page[1]}.js"></script>`);
    if (request.url.startsWith("/callback")) return response.writeHead(200, { "Content-Type": "text/html" }).end("<!doctype html><title>back</title>");
    const text = files[request.url];
    response.writeHead(text ? 200 : 404, { "Content-Type": "text/javascript" }).end(text);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { server, url: `http://localhost:${server.address().port}` };
}

/**
 * Opens the browser. page(kind) is a new page with its own storage and authenticator, whose
 * run calls a function there and whose visit is a person's log-in at a provider; kind is "unmodified" or "swapped".
 */
export async function open() {
  const [{ server, url }, profile] = await Promise.all([serve(), mkdtemp(join(tmpdir(), "latchkey-browser-"))]);
  const browser = await chromium.launch({
    executablePath: env.LATCHKEY_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", `--crash-dumps-dir=${profile}`],
  });
  return {
    url,
    async page(kind) {
      const context = await browser.newContext();
      const page = await context.newPage();
      page.on("pageerror", (error) => console.error(`  page  ${error.stack}`));
      const cdp = await context.newCDPSession(page);
      await cdp.send("WebAuthn.enable");
      await cdp.send("WebAuthn.addVirtualAuthenticator", {
        options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
      });
      await page.goto(`${url}/${kind}`);
      await page.waitForFunction(() => globalThis.turnkey);
      return {
        run: (call, argument) => page.evaluate(([source, argument]) => turnkey.run(source, argument), [call.toString(), argument]),
        async visit(address, email) {
          const tab = await context.newPage();
          await tab.goto(address);
          await tab.getByRole("textbox").fill(email);
          await tab.getByRole("button", { name: "Log in" }).click();
          await tab.waitForURL(`${url}/callback**`);
          const landed = tab.url();
          await tab.close();
          return landed;
        },
        close: () => context.close(),
      };
    },
    async close() {
      await browser.close();
      server.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}
