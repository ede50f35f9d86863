// The inbox is a client of /inbox like any other: it asks for what came after the newest message that it has, and waits.

import { announce, at, clockTime, copyButton, dayOf, el, facts, get, pause, put, row, span } from "./dom.js";
import { connected, onReset, sandboxNow } from "./page.js";

const kept = 300; // rows on the page; the sandbox keeps more
let messages = []; // newest first
let chosen = null; // id of the message beside the list
let shown = new Map(); // rows by id
let fresh = new Set(); // ids that were not looked at

const kinds = { otp: "One-time code", magic_link: "Magic link", email_auth: "Key by e-mail", recovery: "Recovery" };

/** titled is the message in a few words, with its code in groups. */
function titled(message) {
  if (message.code && !message.link) return `Code ${grouped(message.code)}`;
  if (message.code) return `Link, or code ${grouped(message.code)}`;
  return message.subject || kinds[message.kind] || message.kind;
}

const grouped = (code) => (code.length === 6 ? code.slice(0, 3) + " " + code.slice(3) : code);

function choose(message, byPerson) {
  chosen = message.id;
  if (byPerson) fresh.delete(message.id);
  render();
}

function matches(message, text) {
  return [message.to, message.subject, message.text, message.code, message.organizationId].some((v) => v && v.toLowerCase().includes(text));
}

function render() {
  const text = at("inbox-find").value.trim().toLowerCase();
  const list = messages.filter((m) => matches(m, text)).slice(0, kept);
  at("inbox-empty").hidden = messages.length > 0;
  at("inbox-split").hidden = messages.length === 0;
  at("inbox-count").textContent = messages.length === 0 ? "Every e-mail and text message that would have been sent" : messages.length === 1 ? "1 message" : `${messages.length.toLocaleString()} messages`;
  const rows = list.map((message) => {
    let item = shown.get(message.id);
    if (!item) {
      item = row(
        "", () => choose(message, true),
        el("span", "between", el("span", "title cut", titled(message)), put(el("span", "tag accent", "New"), { hidden: true })),
        el("span", "meta", el("span", "cut", message.to), put(el("time", "num"), { dateTime: new Date(message.at).toISOString() })),
      );
      shown.set(message.id, item);
    }
    const button = item.firstElementChild;
    if (message.id === chosen) button.setAttribute("aria-current", "true");
    else button.removeAttribute("aria-current");
    button.querySelector(".tag").hidden = !fresh.has(message.id) || message.id === chosen;
    return item;
  });
  const box = at("messages");
  const focused = document.activeElement;
  box.replaceChildren(...rows);
  if (box.contains(focused)) focused.focus();
  ages();
  detail(list.find((m) => m.id === chosen) || null);
}

/** ages says how long ago each message came, by the sandbox's clock. */
function ages() {
  const now = sandboxNow();
  for (const node of at("messages").querySelectorAll("time")) {
    const seconds = (now - Date.parse(node.dateTime)) / 1000;
    node.textContent = seconds < 1 ? "now" : seconds < 3600 * 24 ? span(seconds).replace(/ (\d+ (s|min))$/, "") : dayOf(Date.parse(node.dateTime));
  }
}

let drawn = null;

function detail(message) {
  if (message === drawn) return;
  drawn = message;
  const to = at("message");
  if (!message) {
    to.replaceChildren(el("p", "note", "Choose a message to see it."));
    return;
  }
  const channel = message.channel === "sms" ? "by text message" : "by e-mail";
  const parts = [el("div", "", el("h2", "any", message.code ? "Your code" : titled(message)), el("p", "note any", `To ${message.to}, ${channel}, at ${clockTime(message.at)} on the sandbox’s clock.`))];
  if (message.code) parts.push(el("div", "codebox", el("span", "bigcode", grouped(message.code)), copyButton(message.code, "the code for " + message.to)));
  if (message.link) {
    const open = /^https?:/i.test(message.link) ? put(el("a", "btn", "Open"), { href: message.link, target: "_blank", rel: "noopener noreferrer" }) : null;
    parts.push(el("div", "codebox", put(el("span", "longcode", message.link), { title: message.link }), el("div", "acts", open, copyButton(message.link, "the link for " + message.to))));
  }
  if (message.bundle) parts.push(el("div", "codebox", put(el("span", "longcode", message.bundle), { title: message.bundle }), copyButton(message.bundle, "the bundle for " + message.to)));
  if (message.text) parts.push(el("p", "any", message.text));
  parts.push(facts([
    ["Kind", kinds[message.kind] || message.kind],
    ["Subject", message.subject],
    ["From", message.from],
    ["Came", `${dayOf(message.at)}, ${clockTime(message.at)}`],
    ["OTP id", message.otpId, true],
    ["Organization", message.organizationId, true],
  ]));
  to.replaceChildren(...parts);
}

function forget() {
  messages = [];
  chosen = drawn = null;
  shown = new Map();
  fresh = new Set();
}

export async function startInbox() {
  at("inbox-find").addEventListener("input", render);
  let leave = new AbortController();
  let newest = 0;
  onReset(() => {
    forget();
    newest = 0;
    leave.abort();
    render();
  });
  setInterval(ages, 1000);
  render();
  for (let first = true; ; first = false) {
    leave = new AbortController();
    try {
      const { messages: came } = await get(`/inbox?after=${newest}&wait=${first ? 0 : 25}`, leave.signal);
      connected(true);
      if (came.length === 0) continue;
      newest = Number(came[0].id);
      if (!first) {
        for (const message of came) fresh.add(message.id);
        announce(came.length === 1 ? `Message to ${came[0].to}: ${titled(came[0])}` : `${came.length} messages came`);
      }
      messages = [...came, ...messages].slice(0, 1000);
      if (chosen === null || !at("inbox-split").contains(document.activeElement)) chosen = messages[0].id;
      render();
    } catch (cause) {
      if (cause.name === "AbortError") continue;
      connected(false);
      await pause(2000);
    }
  }
}
