// The web examples with one change: what their server actions and API routes did with the parent's key, a fetch to the
// backend does. Turnkey's packages seal, sign, open and stamp in the page's place, as there. A session then opens what is
// its own.
import assert from "node:assert/strict";
import { ApiKeyStamper } from "@turnkey/api-key-stamper";
import { decryptCredentialBundle, encryptOtpCodeToBundle, generateP256KeyPair, getPublicKey, verifySessionJwtSignature } from "@turnkey/crypto";
import { uint8ArrayFromHexString, uint8ArrayToHexString } from "@turnkey/encoding";
import { code, flow, message, named } from "./steps.mjs";
import { client, env, loginSignature, newKey, parentId } from "./turnkey.mjs";

const name = `${named("@turnkey/crypto")} and ${named("@turnkey/api-key-stamper")}, the web examples' bodies`;
const email = "wendy@example.com";

async function call(path, body, headers = {}) {
  const response = await fetch(env.BACKEND_URL + path, {
    ...(body && { method: "POST", body: JSON.stringify(body) }),
    headers: { ...(body && { "Content-Type": "application/json" }), ...headers },
  });
  return { status: response.status, headers: response.headers, answer: await response.json() };
}
async function action(path, body, headers) {
  const { status, answer } = await call(path, body, headers);
  assert.equal(status, 200, `${path}: ${JSON.stringify(answer)}`);
  return answer;
}

/** otp-auth: what its page does, action by action. */
async function otpAuth(pair) {
  const { otpId, otpEncryptionTargetBundle } = await action("/api/initOtp", { email, publicKey: pair.publicKey });
  const encryptedOtpBundle = await encryptOtpCodeToBundle(await code(email), otpEncryptionTargetBundle, pair.publicKey, env.LATCHKEY_TLS_FETCHER_PUBLIC_KEY);
  const { verificationToken } = await action("/api/verifyOtp", { otpId, encryptedOtpBundle });
  const { organizationIds } = await action("/api/getSuborgs", { filterValue: email, verificationToken });
  const suborgID = organizationIds[0] ?? (await action("/api/createSuborg", { email })).subOrganizationId;
  const clientSignature = await loginSignature(pair, verificationToken, pair.publicKey);
  const { session } = await action("/api/otpLogin", { suborgID, verificationToken, publicKey: pair.publicKey, clientSignature });
  assert.equal(await verifySessionJwtSignature(session, env.LATCHKEY_NOTARIZER_PUBLIC_KEY), true);
  return { session, organizationId: JSON.parse(Buffer.from(session.split(".")[1], "base64url")).organization_id, found: organizationIds.length };
}

const pair = newKey();
const first = await flow(name, "otp-auth: sign-up", async () => {
  const result = await otpAuth(pair);
  assert.equal(result.found, 0);
  const { wallets } = await client(result.organizationId, pair).getWallets();
  assert.equal(wallets.length, 1);
  return result;
});
await flow(name, "otp-auth: log-in", async () => {
  const again = await otpAuth(newKey());
  assert.deepEqual([again.organizationId, again.found], [first.organizationId, 1]);
});
await flow(name, "with-federated-passkeys: a request that the page stamped, through proxyRequest", async () => {
  const body = JSON.stringify({
    type: "ACTIVITY_TYPE_CREATE_WALLET", timestampMs: String(Date.now()), organizationId: first.organizationId,
    parameters: { walletName: "By proxy", accounts: [] },
  });
  const stamp = await new ApiKeyStamper({ apiPublicKey: pair.publicKey, apiPrivateKey: pair.privateKey }).stamp(body);
  const { activityId } = await action("/api/proxyRequest", { url: `${env.TURNKEY_API_URL}/public/v1/submit/create_wallet`, body, stamp });
  assert.ok(activityId);
  assert.equal((await client(first.organizationId, pair).getWallets()).wallets.length, 2);
});
await flow(name, "email-auth: a key by e-mail, opened in the page", async () => {
  const target = generateP256KeyPair();
  const { id } = await message(email); // the code of before
  const { organizationId } = await action("/api/auth", { suborgID: first.organizationId, email, targetPublicKey: target.publicKeyUncompressed, invalidateExisting: false });
  assert.equal(organizationId, first.organizationId);
  const { bundle } = await message(email, id); // the answer does not wait for it
  const privateKey = decryptCredentialBundle(bundle, target.privateKey);
  const publicKey = uint8ArrayToHexString(getPublicKey(uint8ArrayFromHexString(privateKey), true));
  assert.equal((await client(parentId, { publicKey, privateKey }).getWhoami()).organizationId, first.organizationId);
});
await flow(name, "a session opens what is its own", async () => {
  const bearer = { Authorization: `Bearer ${first.session}` };
  assert.equal((await call("/me", undefined, bearer)).answer.organizationId, first.organizationId);
  const { answer } = await call("/wallets", undefined, bearer);
  assert.equal(answer.wallets.length, 2);
  const { status, headers } = await call("/forward-auth", undefined, bearer);
  assert.deepEqual([status, headers.get("X-Latchkey-Organization-Id")], [200, first.organizationId]);
  assert.equal((await call("/forward-auth", undefined, {})).status, 401);
  assert.equal((await call(`/me?organizationId=${parentId}`, undefined, bearer)).status, 403);
});
