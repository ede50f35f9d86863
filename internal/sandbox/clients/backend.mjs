// An application's own screens over the backend's routes, with Turnkey's packages for everything that is Turnkey's:
// the code is sealed by @turnkey/crypto, the log-in signed by @turnkey/api-key-stamper, and the session used by
// @turnkey/sdk-server straight at the API.
import assert from "node:assert/strict";
import * as sdk from "@turnkey/sdk-server";
import { encryptOtpCodeToBundle, verifyOtpVerificationToken, verifySessionJwtSignature } from "@turnkey/crypto";
import { code, flow, named, step } from "./steps.mjs";
import { apiKey, assertSigned, client, env, loginSignature, newKey, parentId, signupSignature } from "./turnkey.mjs";

const fetcher = env.LATCHKEY_TLS_FETCHER_PUBLIC_KEY;
const notarizer = env.LATCHKEY_NOTARIZER_PUBLIC_KEY;
const email = "joan@example.com";
const name = `${named("@turnkey/sdk-server")}, ${named("@turnkey/crypto")} and the bundled backend`;

async function post(path, body) {
  const response = await fetch(env.BACKEND_URL + path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, ...(await response.json()) };
}
async function ok(path, body) {
  const answer = await post(path, body);
  assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer)}`);
  return answer;
}

const seal = (digits, init, pair) => encryptOtpCodeToBundle(digits, init.otpEncryptionTargetBundle, pair.publicKey, fetcher);
const prove = async (contact, pair) => {
  const init = await ok("/otp/init", { otpType: "OTP_TYPE_EMAIL", contact, encrypted: true });
  return ok("/otp/verify", { otpId: init.otpId, encryptedOtpBundle: await seal(await code(contact), init, pair) });
};

// One key is bound to the code and signs up; the session gets another, as in the documents.
const pair = newKey();
const sessionKey = newKey();
const token = await step("/otp/init and /otp/verify, encrypted: the backend never sees the code", async () => {
  const init = await ok("/otp/init", { otpType: "OTP_TYPE_EMAIL", contact: email, encrypted: true });
  assert.equal(init.otpLength, 6);
  assert.equal(init.maxTries, 3);
  assert.ok(init.expiresInSeconds > 0);
  const digits = await code(email);
  assert.equal(digits.length, init.otpLength);
  const verified = await ok("/otp/verify", { otpId: init.otpId, encryptedOtpBundle: await seal(digits, init, pair) });
  assert.equal((await verifyOtpVerificationToken(verified.verificationToken, fetcher)).public_key, pair.publicKey);
  assert.equal(verified.subOrganizationId, undefined, "nobody yet");
  return verified.verificationToken;
});

await step("/otp-login before the sign-up: no account", async () => {
  const answer = await post("/otp-login", { verificationToken: token, publicKey: pair.publicKey, clientSignature: await loginSignature(pair, token, pair.publicKey) });
  assert.equal(answer.status, 404, JSON.stringify(answer));
  assert.equal(answer.reason, "account.unknown");
});

const { subOrganizationId, userId } = await flow(name, "OTP by e-mail, encrypted: sign-up", async () => {
  const body = { userEmail: email, userName: "Joan", apiKeys: [apiKey(pair, "60")], authenticators: [], oauthProviders: [] };
  const clientSignature = await signupSignature(pair, token, { email, apiKeys: body.apiKeys });
  const made = await ok("/signup", { ...body, verificationToken: token, clientSignature });
  assert.equal(made.organizationId, made.subOrganizationId);
  assert.notEqual(made.subOrganizationId, parentId);
  return made;
});

const logIn = async (verificationToken, pair, key, more = {}) => {
  const answer = await ok("/otp-login", {
    verificationToken, publicKey: key.publicKey, clientSignature: await loginSignature(pair, verificationToken, key.publicKey), ...more,
  });
  assert.equal(await verifySessionJwtSignature(answer.session, notarizer), true);
  return answer;
};

await flow(name, "OTP by e-mail, encrypted: log-in", async () => {
  const answer = await logIn(token, pair, sessionKey, { expirationSeconds: "600" });
  assert.equal(answer.sessionToken, answer.session);
  assert.equal(answer.token, answer.session);
  assert.equal(answer.organizationId, subOrganizationId);
  assert.equal(answer.userId, userId);
});

await flow(name, "the session works at the API: wallet, accounts, signatures", async () => {
  const me = client(subOrganizationId, sessionKey);
  assert.equal((await me.getWhoami()).username, "Joan");
  assert.deepEqual((await me.getWallets()).wallets, [], "the backend made no wallet of its own");
  const { walletId } = await me.createWallet({ walletName: "W", accounts: [...sdk.DEFAULT_ETHEREUM_ACCOUNTS] });
  await me.createWalletAccounts({ walletId, accounts: [...sdk.DEFAULT_SOLANA_ACCOUNTS] });
  const { accounts } = await me.getWalletAccounts({ walletId });
  assert.equal(accounts.length, 2);
  for (const a of accounts) {
    const hashFunction = a.curve === "CURVE_ED25519" ? "HASH_FUNCTION_NOT_APPLICABLE" : "HASH_FUNCTION_KECCAK256";
    assertSigned(a, "hello", hashFunction, await me.signRawPayload({ signWith: a.address, payload: "0x" + Buffer.from("hello").toString("hex"), encoding: "PAYLOAD_ENCODING_HEXADECIMAL", hashFunction }));
  }
});

await step("a second log-in is told of the account", async () => {
  const next = newKey();
  const verified = await prove(email, next);
  assert.equal(verified.subOrganizationId, subOrganizationId);
  const answer = await logIn(verified.verificationToken, next, next, { invalidateExisting: true });
  assert.equal(answer.organizationId, subOrganizationId);
  assert.equal((await client(subOrganizationId, next).getWallets()).wallets.length, 1);
  await assert.rejects(client(subOrganizationId, sessionKey).getWhoami(), /could not find public key/);
});

await step("wrong codes are counted, and the right one comes too late", async () => {
  const contact = "late@example.com";
  const stranger = newKey();
  const init = await ok("/otp/init", { contact, encrypted: true });
  const digits = await code(contact);
  const wrong = digits === "000000" ? "000001" : "000000";
  for (const left of [2, 1]) {
    const answer = await post("/otp/verify", { otpId: init.otpId, encryptedOtpBundle: await seal(wrong, init, stranger) });
    assert.equal(answer.status, 422, JSON.stringify(answer));
    assert.equal(answer.reason, "otp.wrong");
    assert.equal(answer.triesLeft, left);
  }
  for (const guess of [wrong, digits]) {
    const answer = await post("/otp/verify", { otpId: init.otpId, encryptedOtpBundle: await seal(guess, init, stranger) });
    assert.equal(answer.status, 422, JSON.stringify(answer));
    assert.equal(answer.reason, "otp.locked");
    assert.equal(typeof answer.message, "string");
  }
});

await flow(name, "OTP by e-mail, plain code: get-or-create in one log-in", async () => {
  const contact = "plain@example.com";
  const key = newKey();
  const init = await ok("/otp/init", { email: contact });
  assert.equal(init.otpEncryptionTargetBundle, undefined);
  const { verificationToken } = await ok("/otp/verify", { otpId: init.otpId, otpCode: await code(contact) });
  const first = await ok("/otp-login", { verificationToken, publicKey: key.publicKey });
  assert.equal(await verifySessionJwtSignature(first.session, notarizer), true);
  assert.equal((await client(first.organizationId, key).getWhoami()).userId, first.userId);

  const again = await ok("/otp/init", { email: contact });
  const proof = await ok("/otp/verify", { otpId: again.otpId, otpCode: await code(contact) });
  assert.equal(proof.subOrganizationId, first.organizationId);
  const second = await ok("/otp-login", { verificationToken: proof.verificationToken, publicKey: newKey().publicKey });
  assert.equal(second.organizationId, first.organizationId);
});

await step("an account that an attacker made first for the contact is not the one that is used", async () => {
  const victim = "victim@example.com";
  const attacker = newKey();
  const parentClient = client(parentId, { publicKey: env.TURNKEY_API_PUBLIC_KEY, privateKey: env.TURNKEY_API_PRIVATE_KEY });
  const trap = await parentClient.createSubOrganization({
    subOrganizationName: "Trap", rootQuorumThreshold: 1,
    rootUsers: [{ userName: victim, userEmail: victim, apiKeys: [apiKey(attacker)], authenticators: [], oauthProviders: [] }],
  });
  const key = newKey();
  const init = await ok("/otp/init", { email: victim });
  const { verificationToken } = await ok("/otp/verify", { otpId: init.otpId, otpCode: await code(victim) });
  const { organizationId } = await ok("/otp-login", { verificationToken, publicKey: key.publicKey });
  assert.notEqual(organizationId, trap.subOrganizationId);
  await assert.rejects(client(organizationId, attacker).getWhoami(), /could not find public key/);
});
