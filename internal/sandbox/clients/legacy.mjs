// Sessions by bundle, as applications older than session tokens have them: e-mail auth, read-write and read-only
// sessions, one-time-code auth, and OAuth.
import assert from "node:assert/strict";
import { decryptCredentialBundle, generateP256KeyPair, getPublicKey } from "@turnkey/crypto";
import { uint8ArrayFromHexString, uint8ArrayToHexString } from "@turnkey/encoding";
import { begin, consent } from "./providers.mjs";
import { code, flow, message, refused } from "./steps.mjs";
import { apiBaseUrl, apiKey, client, clientName as name, newKey, parent } from "./turnkey.mjs";

const app = parent();
const email = "legacy@example.com";
const key = newKey();
const { subOrganizationId: organizationId, rootUserIds } = await app.createSubOrganization({
  subOrganizationName: "L", rootQuorumThreshold: 1, rootUsers: [{ userName: "L", userEmail: email, apiKeys: [apiKey(key)], authenticators: [], oauthProviders: [] }],
});
const [userId] = rootUserIds;
const me = client(organizationId, key);

/** The key pair in a bundle that was sealed to target. */
function opened(bundle, target) {
  const privateKey = decryptCredentialBundle(bundle, target.privateKey);
  return { privateKey, publicKey: uint8ArrayToHexString(getPublicKey(uint8ArrayFromHexString(privateKey), true)) };
}
/** Asserts that a pair is the user's. */
async function works(pair) {
  const who = await client(organizationId, pair).getWhoami();
  assert.deepEqual([who.organizationId, who.userId], [organizationId, userId]);
}

await flow(name, "e-mail auth: the bundle of the message is a key", async () => {
  const target = generateP256KeyPair();
  const magicLinkTemplate = "https://app.example.com/in?bundle=%s";
  const made = await app.emailAuth({ organizationId, email, targetPublicKey: target.publicKeyUncompressed, emailCustomization: { appName: "Example", magicLinkTemplate } });
  assert.equal(made.userId, userId);
  const { bundle, link, kind } = await message(email);
  assert.equal(kind, "email_auth");
  assert.equal(link, magicLinkTemplate.replace("%s", bundle));
  await works(opened(bundle, target));
});
await flow(name, "a read-write session: its bundle is a key", async () => {
  const target = generateP256KeyPair();
  const made = await me.createReadWriteSession({ targetPublicKey: target.publicKeyUncompressed, expirationSeconds: "900" });
  assert.deepEqual([made.organizationId, made.userId], [organizationId, userId]);
  await works(opened(made.credentialBundle, target));
});
await flow(name, "a read-only session reads and cannot write", async () => {
  const made = await me.createReadOnlySession({});
  assert.ok(Number(made.sessionExpiry) > Date.now() / 1000);
  const post = async (path, body) => {
    const response = await fetch(apiBaseUrl + path, { method: "POST", headers: { "X-Session": made.session, "Content-Type": "application/json" }, body: JSON.stringify(body) });
    return { status: response.status, ...(await response.json()) };
  };
  const who = await post("/public/v1/query/whoami", { organizationId });
  assert.deepEqual([who.status, who.userId], [200, userId], JSON.stringify(who));
  const parameters = { walletName: "W", accounts: [] };
  const wrote = await post("/public/v1/submit/create_wallet", { type: "ACTIVITY_TYPE_CREATE_WALLET", organizationId, timestampMs: String(Date.now()), parameters });
  assert.deepEqual([wrote.status, wrote.turnkeyErrorCode], [401, "SIGNATURE_MISSING"]);
  assert.deepEqual((await me.getWallets()).wallets, []);
});
await flow(name, "one-time-code auth: the code is exchanged for a bundle", async () => {
  const target = generateP256KeyPair();
  const { otpId } = await app.initOtpAuth({ organizationId, otpType: "OTP_TYPE_EMAIL", contact: email, emailCustomization: { appName: "Example" }, appName: "Example", otpLength: 6, alphanumeric: false });
  const made = await app.otpAuth({ organizationId, otpId, otpCode: await code(email), targetPublicKey: target.publicKeyUncompressed });
  assert.equal(made.userId, userId);
  await works(opened(made.credentialBundle, target));
});
await flow(name, "OAuth with a bundle", async () => {
  const target = generateP256KeyPair();
  const token = async (publicKey) => {
    const attempt = begin("Google", { publicKey, redirectUri: "http://127.0.0.1:8765/callback" });
    return (await attempt.finish(await consent(attempt.url, email))).oidcToken;
  };
  await me.createOauthProviders({ userId, oauthProviders: [{ providerName: "Google", oidcToken: await token(key.publicKey) }] });
  const made = await app.oauth({ organizationId, oidcToken: await token(target.publicKeyUncompressed), targetPublicKey: target.publicKeyUncompressed });
  assert.equal(made.userId, userId);
  await works(opened(made.credentialBundle, target));
});
await flow(name, "a bundle for another key does not open", async () => {
  const made = await me.createReadWriteSession({ targetPublicKey: generateP256KeyPair().publicKeyUncompressed });
  assert.throws(() => opened(made.credentialBundle, generateP256KeyPair()));
  await refused(app.emailAuth({ organizationId, email: "nobody@example.com", targetPublicKey: generateP256KeyPair().publicKeyUncompressed, emailCustomization: { appName: "Example" } }));
});
