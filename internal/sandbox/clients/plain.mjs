// @turnkey/sdk-server 5, the last before codes were encrypted: INIT_OTP_V2, VERIFY_OTP, CREATE_SUB_ORGANIZATION_V7 and
// OTP_LOGIN, as applications that have not moved on still send them.
import assert from "node:assert/strict";
import { Turnkey } from "turnkey-sdk-server-5";
import { Turnkey as Current } from "@turnkey/sdk-server";
import { encryptOtpCodeToBundle, verifySessionJwtSignature } from "@turnkey/crypto";
import { code, flow, named, refused, step } from "./steps.mjs";
import { client, env, loginSignature, newKey, parent, parentId } from "./turnkey.mjs";

const app = parent(Turnkey);
const name = named("turnkey-sdk-server-5");
const initOtp = (contact) => app.initOtp({ otpType: "OTP_TYPE_EMAIL", contact, appName: "Example", otpLength: 6, alphanumeric: false });
const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
const email = "charles@example.com";

const prove = async (publicKey) => {
  const { otpId, otpEncryptionTargetBundle } = await initOtp(email);
  assert.equal(otpEncryptionTargetBundle, undefined, "the plain generation has no target");
  return (await app.verifyOtp({ otpId, otpCode: await code(email), ...(publicKey ? { publicKey } : {}) })).verificationToken;
};

const token = await step("initOtp and verifyOtp: a token of the older kind, without a key", async () => {
  const token = await prove();
  const c = claims(token);
  assert.equal(c.contact, email);
  assert.equal(typeof c.exp, "number");
  assert.equal(c.public_key, undefined);
  assert.equal(c.organization_id, undefined);
  return token;
});

const organizationId = await flow(name, "OTP by e-mail, plain code: sign-up (create_sub_organization V7)", async () => {
  const made = await app.createSubOrganization({
    subOrganizationName: "Charles's",
    rootQuorumThreshold: 1,
    rootUsers: [{ userName: "Charles", userEmail: email, apiKeys: [], authenticators: [], oauthProviders: [] }],
    verificationToken: token,
  });
  assert.equal(made.activity.type, "ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V7");
  assert.deepEqual((await app.getVerifiedSubOrgIds({ filterType: "EMAIL", filterValue: email })).organizationIds, [made.subOrganizationId]);
  return made.subOrganizationId;
});

await flow(name, "OTP by e-mail, plain code: log-in without a client signature, wallet, signature", async () => {
  const pair = newKey();
  const { session, activity } = await app.otpLogin({ organizationId, verificationToken: token, publicKey: pair.publicKey, expirationSeconds: "900" });
  assert.equal(activity.type, "ACTIVITY_TYPE_OTP_LOGIN");
  assert.equal(await verifySessionJwtSignature(session, env.LATCHKEY_NOTARIZER_PUBLIC_KEY), true);
  const me = client(organizationId, pair, Turnkey);
  assert.equal((await me.getWhoami()).username, "Charles");
  const { addresses } = await me.createWallet({ walletName: "W", accounts: [{ curve: "CURVE_SECP256K1", pathFormat: "PATH_FORMAT_BIP32", path: "m/44'/60'/0'/0/0", addressFormat: "ADDRESS_FORMAT_ETHEREUM" }] });
  assert.equal((await me.getWallets()).wallets.length, 1);
  const signed = await me.signRawPayload({ signWith: addresses[0], payload: "hello", encoding: "PAYLOAD_ENCODING_TEXT_UTF8", hashFunction: "HASH_FUNCTION_KECCAK256" });
  assert.match(signed.r + signed.s + signed.v, /^[0-9a-f]{128}0[01]$/);
});

await flow(name, "OTP by e-mail, plain code: a token that carries a key needs that key's signature", async () => {
  const pair = newKey();
  const bound = await prove(pair.publicKey);
  assert.equal(claims(bound).public_key, pair.publicKey);
  await refused(app.otpLogin({ organizationId, verificationToken: bound, publicKey: pair.publicKey }));
  await app.otpLogin({ organizationId, verificationToken: bound, publicKey: pair.publicKey, clientSignature: await loginSignature(pair, bound, pair.publicKey) });
  assert.equal((await client(organizationId, pair, Turnkey).getWhoami()).organizationId, organizationId);
});

await flow(name, "OTP by SMS, plain code: sign-up and log-in", async () => {
  const contact = "+12025550148";
  const { otpId } = await app.initOtp({ otpType: "OTP_TYPE_SMS", contact, appName: "Example", otpLength: 6, alphanumeric: false });
  const { verificationToken } = await app.verifyOtp({ otpId, otpCode: await code(contact) });
  const root = { userName: "Hedy", userPhoneNumber: contact, apiKeys: [], authenticators: [], oauthProviders: [] };
  const made = await app.createSubOrganization({ subOrganizationName: "Hedy's", rootQuorumThreshold: 1, rootUsers: [root], verificationToken });
  const pair = newKey();
  await app.otpLogin({ organizationId: made.subOrganizationId, verificationToken, publicKey: pair.publicKey });
  assert.equal((await client(made.subOrganizationId, pair, Turnkey).getWhoami()).username, "Hedy");
});

await step("a wrong code is refused in the same words", async () => {
  const { otpId } = await initOtp("nobody@example.com");
  const digits = await code("nobody@example.com");
  await refused(app.verifyOtp({ otpId, otpCode: digits === "000000" ? "000001" : "000000" }), "Invalid OTP code");
});

await step("the generations do not mix", async () => {
  const now = parent(Current);
  const encrypted = await now.initOtp({ otpType: "OTP_TYPE_EMAIL", contact: "mix@example.com", appName: "Example", otpLength: 6, alphanumeric: false });
  await refused(app.verifyOtp({ otpId: encrypted.otpId, otpCode: await code("mix@example.com") }));

  const pair = newKey();
  const plain = await initOtp("mix2@example.com");
  const sealed = await encryptOtpCodeToBundle(await code("mix2@example.com"), encrypted.otpEncryptionTargetBundle, pair.publicKey, env.LATCHKEY_TLS_FETCHER_PUBLIC_KEY);
  await refused(now.verifyOtp({ otpId: plain.otpId, encryptedOtpBundle: sealed }));

  const old = await prove(pair.publicKey);
  await refused(now.otpLogin({ organizationId, verificationToken: old, publicKey: pair.publicKey, clientSignature: await loginSignature(pair, old, pair.publicKey) }));
  assert.notEqual(organizationId, parentId);
});
