// A browser for Turnkey's web packages: one page that holds them, bundled as they come from npm or with the pinned keys
// swapped, in Debian's Chromium with an authenticator that touches itself.
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { pins } from "../../../build/pins.mjs";

const env = process.env;

/** How long a machine that is busy with other things may take for one step. */
export const patience = 180_000;

/** Bundles page.mjs. plugins are the bundler's. */
const bundle = async (plugins) => {
  const { outputFiles } = await build({
    entryPoints: [new URL("page.mjs", import.meta.url).pathname], bundle: true, write: false, format: "esm", platform: "browser", target: "chrome120", minify: true,
    define: { global: "globalThis", "process.env.NODE_ENV": '"production"' }, logLevel: "error", plugins,
  });
  return outputFiles[0].text;
};

/** Serves both bundles on a free port of loopback, under the name that passkeys are bound to. */
async function serve() {
  const [unmodified, swapped] = await Promise.all([bundle([]), bundle([pins(env.PINS).esbuild])]);
  const scripts = { "/unmodified.js": unmodified, "/swapped.js": swapped };
  const server = createServer((request, response) => {
    const script = scripts[request.url];
    if (script) return response.writeHead(200, { "Content-Type": "text/javascript", "Cache-Control": "max-age=3600" }).end(script);
    const page = request.url.match(/^\/(unmodified|swapped)$/);
    response.writeHead(200, { "Content-Type": "text/html" }).end(`<!doctype html><title>page</title>${page ? `<script type="module" src="${page[0]}.js"></script>` : ""}`);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { server, url: `http://localhost:${server.address().port}` };
}

/** A tab with storage and an authenticator of its own. */
class Tab {
  constructor(context, page, cdp, url) {
    Object.assign(this, { context, page, cdp, url });
  }

  static async open(browser, url) {
    const context = await browser.newContext();
    context.setDefaultTimeout(patience);
    const page = await context.newPage();
    page.on("pageerror", (error) => console.error(`  page  ${error.stack}`));
    const cdp = await context.newCDPSession(page);
    await cdp.send("WebAuthn.enable");
    return new Tab(context, page, cdp, url);
  }

  /** Becomes the page of another person: nothing of the last one is left. */
  async begin(kind) {
    await this.page.goto("about:blank");
    await this.cdp.send("Storage.clearDataForOrigin", { origin: this.url, storageTypes: "all" });
    if (this.authenticator) await this.cdp.send("WebAuthn.removeVirtualAuthenticator", this.authenticator);
    this.authenticator = await this.cdp.send("WebAuthn.addVirtualAuthenticator", {
      options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true },
    });
    await this.page.goto(`${this.url}/${kind}`);
    await this.page.waitForFunction(() => globalThis.turnkey);
  }

  /** Calls a function in the page. */
  run(call, argument) {
    return this.page.evaluate(([source, argument]) => turnkey.run(source, argument), [call.toString(), argument]);
  }

  /** What a person does at a provider: type an address, log in. Returns where that led. */
  async visit(address, email) {
    const page = await this.context.newPage();
    await page.goto(address);
    await page.getByRole("textbox").fill(email);
    await page.getByRole("button", { name: "Log in" }).click();
    await page.waitForURL(`${this.url}/callback**`);
    const landed = page.url();
    await page.close();
    return landed;
  }
}

/** Starts Debian's Chromium. end() ends it and removes what it left. */
export async function launch() {
  const profile = await mkdtemp(join(tmpdir(), "latchkey-browser-"));
  const browser = await chromium.launch({
    executablePath: env.LATCHKEY_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", `--crash-dumps-dir=${profile}`],
    timeout: patience,
  });
  const end = async () => {
    await browser.close();
    await rm(profile, { recursive: true, force: true });
  };
  return { browser, end };
}

/**
 * Opens the browser. page(kind) is a tab on the page of that kind, "unmodified" or "swapped"; closed, it is the next
 * person's.
 */
export async function open() {
  const [{ server, url }, { browser, end }] = await Promise.all([serve(), launch()]);
  const idle = [];
  return {
    url,
    async page(kind) {
      const tab = idle.pop() ?? (await Tab.open(browser, url));
      await tab.begin(kind);
      return { run: tab.run.bind(tab), visit: tab.visit.bind(tab), close: async () => idle.push(tab) };
    },
    async close() {
      await end();
      server.close();
    },
  };
}
