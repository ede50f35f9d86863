// Users and keys: what /organizations tells, page by page.

import { at, copyButton, dayOf, clockTime, el, get, icon, put, short, toast } from "./dom.js";
import { onReset } from "./page.js";

let next = "";
let asked = 0; // counts searches, so that a late answer to an old one is not shown

export function startPeople() {
  let wait = 0;
  at("people-find").addEventListener("input", () => {
    clearTimeout(wait);
    wait = setTimeout(showPeople, 200);
  });
  at("people-more").addEventListener("click", () => load(true));
  onReset(() => at("organizations").replaceChildren());
}

export const showPeople = () => load(false);

async function load(more) {
  const mine = ++asked;
  const q = at("people-find").value.trim();
  try {
    const answer = await get(`/organizations?limit=20&q=${encodeURIComponent(q)}&after=${more ? next : ""}`);
    if (mine !== asked) return;
    next = answer.next || "";
    const list = at("organizations");
    const found = answer.organizations.map(panel);
    if (more) list.append(...found);
    else list.replaceChildren(...found);
    if (list.childElementCount === 0 && !next) list.replaceChildren(el("p", "note", "No organization, user, key or wallet has this in it."));
    at("people-more").hidden = !next;
    at("people-more").textContent = q ? "Look further" : "Show more";
    at("people-count").textContent = answer.total === 1 ? "The parent organization alone" : `The parent and ${(answer.total - 1).toLocaleString()} sub-organization${answer.total === 2 ? "" : "s"}`;
  } catch {
    if (mine === asked) toast("The sandbox does not answer.", true);
  }
}

function panel(org) {
  const name = el("h2", "", org.organizationName);
  const tags = el("div", "acts", org.parent ? el("span", "tag accent", "Parent") : null, org.threshold > 1 ? el("span", "tag warn", `${org.threshold} must agree`) : null);
  const head = el("div", "", name, el("p", "who", put(el("span", "mono note cut", org.organizationId), { title: org.organizationId }), copyButton(org.organizationId, "the organization’s id", true)));
  return el("article", "panel org", el("div", "between", head, tags), ...org.users.map(user), ...org.wallets.map(wallet), privateKeys(org));
}

function privateKeys(org) {
  if (org.privateKeys.length === 0) return null;
  const list = el("ul", "things", ...org.privateKeys.map((key) => thing("key", key.name, key.addresses[0]?.address || key.publicKey, el("span", "tag", key.curve.replace("CURVE_", "").toLowerCase()))));
  return el("div", "sub", el("div", "who", el("strong", "", "Private keys")), list, org.more ? el("p", "note", `and ${org.more.toLocaleString()} more`) : null);
}

function user(user) {
  const contacts = [contact(user.email, user.emailVerified), contact(user.phone, user.phoneVerified)].filter(Boolean);
  const list = el("ul", "things",
    ...user.apiKeys.map((key) => thing("key", key.name, key.publicKey, ended(key))),
    ...user.passkeys.map((passkey) => thing("key", passkey.name, passkey.credentialId, el("span", "tag", "Passkey"))),
    ...user.providers.map((provider) => thing("people", provider.name, `${provider.issuer} · ${provider.subject}`, el("span", "tag", "OAuth"))));
  return el("div", "sub", el("div", "who", el("strong", "", user.userName), user.root ? el("span", "tag", "Root") : null, ...contacts), list);
}

function contact(text, verified) {
  return text ? el("span", "note any", text + " ", el("span", verified ? "tag good" : "tag", verified ? "Verified" : "Not verified")) : null;
}

const words = { API_KEY_P256: "API key", API_KEY_SECP256K1: "secp256k1", API_KEY_ED25519: "Ed25519", LOGIN: "Session", READ_WRITE_SESSION_KEY_P256: "Session", OAUTH_KEY_P256: "OAuth session", OTP_AUTH_KEY_P256: "OTP session", EMAIL_AUTH_KEY_P256: "E-mail session", RECOVER_USER_KEY_P256: "Recovery" };

function ended(key) {
  const kind = words[key.type.replace("CREDENTIAL_TYPE_", "")] || key.type;
  if (!key.expiresAt) return el("span", "tag", kind);
  const until = `${dayOf(key.expiresAt)}, ${clockTime(key.expiresAt)}`;
  return put(el("span", key.expired ? "tag bad" : "tag good", key.expired ? kind + ", ended" : `${kind} until ${clockTime(key.expiresAt)}`), { title: until });
}

function thing(picture, name, value, tag) {
  return el("li", "", icon(picture), put(el("span", "cut", name), { title: name }), put(el("span", "mono note cut", value), { title: value }), tag);
}

function wallet(wallet) {
  const list = el("ul", "things", ...wallet.accounts.map((account) => thing("wallet", account.format.replace("ADDRESS_FORMAT_", "").replaceAll("_", " ").toLowerCase(), account.address, el("span", "tag mono", account.path))));
  const more = wallet.more ? el("p", "note", `and ${wallet.more.toLocaleString()} more accounts`) : null;
  return el("div", "sub", el("div", "who", el("strong", "", wallet.walletName), el("span", "note", "Wallet"), put(el("span", "mono note", short(wallet.walletId)), { title: wallet.walletId })), list, more);
}

