// @turnkey/sdk-server against the sandbox: sign-up and log-in by code in the encrypted generation, then everything a
// person does with the session, then the refusals that Turnkey's kits tell apart by their words.
import assert from "node:assert/strict";
import * as sdk from "@turnkey/sdk-server";
import * as viem from "viem";
import { recoverAuthorizationAddress } from "viem/utils";
import { ApiKeyStamper } from "@turnkey/api-key-stamper";
import { TurnkeyClient, createActivityPoller } from "@turnkey/http";
import {
  computeActivityFingerprint,
  encryptOtpCodeToBundle,
  verifyOtpVerificationToken,
  verifySessionJwtSignature,
  verifyStampSignature,
} from "@turnkey/crypto";
import { advance, code, flow, named, refused, step } from "./steps.mjs";
import { apiBaseUrl, apiKey, assertSigned, client, env, loginSignature, newKey, parent, parentId, signupSignature } from "./turnkey.mjs";

const fetcher = env.LATCHKEY_TLS_FETCHER_PUBLIC_KEY;
const notarizer = env.LATCHKEY_NOTARIZER_PUBLIC_KEY;
const email = "ada@example.com";
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const app = parent();
const name = named("@turnkey/sdk-server");

const initOtp = (contact, more = {}) =>
  app.initOtp({ otpType: "OTP_TYPE_EMAIL", contact, appName: "Example", otpLength: 6, alphanumeric: false, ...more });
const sealed = (digits, init, pair) => encryptOtpCodeToBundle(digits, init.otpEncryptionTargetBundle, pair.publicKey, fetcher);
const proveContact = async (contact, pair) => {
  const init = await initOtp(contact);
  return (await app.verifyOtp({ otpId: init.otpId, encryptedOtpBundle: await sealed(await code(contact), init, pair) })).verificationToken;
};

await step("whoami tells the parent", async () => {
  const who = await app.getWhoami();
  assert.equal(who.organizationId, parentId);
  assert.match(who.userId, uuid);
});

// --- sign up ---------------------------------------------------------------------------------------------------

const otpKey = newKey();
const init = await step("initOtp answers with a signed target", async () => {
  const init = await initOtp(email);
  assert.match(init.otpId, uuid);
  assert.equal(init.activity.type, "ACTIVITY_TYPE_INIT_OTP_V3");
  assert.equal(init.activity.status, "ACTIVITY_STATUS_COMPLETED");
  assert.equal(init.activity.organizationId, parentId);
  assert.equal(JSON.parse(init.otpEncryptionTargetBundle).enclaveQuorumPublic, fetcher);
  return init;
});

const token = await step("verifyOtp with the code from the inbox answers with a token of the key", async () => {
  const digits = await code(email);
  assert.match(digits, /^[0-9]{6}$/);
  const { verificationToken } = await app.verifyOtp({ otpId: init.otpId, encryptedOtpBundle: await sealed(digits, init, otpKey) });
  const claims = await verifyOtpVerificationToken(verificationToken, fetcher);
  assert.equal(claims.contact, email);
  assert.equal(claims.public_key, otpKey.publicKey);
  assert.equal(claims.organization_id, parentId);
  assert.equal(claims.verification_type, "OTP_TYPE_EMAIL");
  return verificationToken;
});

await step("nobody is known by this contact yet", async () => {
  const { organizationIds } = await app.getVerifiedSubOrgIds({ filterType: "EMAIL", filterValue: email });
  assert.deepEqual(organizationIds, []);
});

const rootUser = { userName: "Ada", userEmail: email, apiKeys: [apiKey(otpKey, "60")], authenticators: [], oauthProviders: [] };
const signUp = async (root, verificationToken, clientSignature, more = {}) =>
  app.createSubOrganization({ subOrganizationName: "Ada's", rootQuorumThreshold: 1, rootUsers: [root], verificationToken, clientSignature, ...more });

await step("a sign-up whose signature covers something else is refused", async () => {
  const other = await signupSignature(otpKey, token, { email: "eve@example.com", apiKeys: rootUser.apiKeys });
  await refused(signUp(rootUser, token, other));
  const stranger = await signupSignature(newKey(), token, { email, apiKeys: rootUser.apiKeys });
  await refused(signUp(rootUser, token, stranger));
  await refused(signUp(rootUser, token, undefined));
});

const { organizationId, userId } = await flow(name, "OTP by e-mail, encrypted: sign-up (create_sub_organization V8 with a client signature)", async () => {
  const made = await signUp(rootUser, token, await signupSignature(otpKey, token, { email, apiKeys: rootUser.apiKeys }));
  assert.equal(made.activity.type, "ACTIVITY_TYPE_CREATE_SUB_ORGANIZATION_V8");
  assert.match(made.subOrganizationId, uuid);
  assert.equal(made.rootUserIds.length, 1);
  return { organizationId: made.subOrganizationId, userId: made.rootUserIds[0] };
});

await step("the contact now leads to the sub-organization", async () => {
  for (const find of ["getVerifiedSubOrgIds", "getSubOrgIds"]) {
    assert.deepEqual((await app[find]({ filterType: "EMAIL", filterValue: email })).organizationIds, [organizationId], find);
  }
  assert.deepEqual((await app.getSubOrgIds({ filterType: "PUBLIC_KEY", filterValue: otpKey.publicKey })).organizationIds, [organizationId]);
});

// --- log in ----------------------------------------------------------------------------------------------------

const sessionKey = newKey();
const logIn = async (verificationToken, key, signature, more = {}) =>
  app.otpLogin({ organizationId, verificationToken, publicKey: key.publicKey, clientSignature: signature, ...more });

await flow(name, "OTP by e-mail, encrypted: log-in with the token of the sign-up, to a session of a new key", async () => {
  await refused(logIn(token, sessionKey, await loginSignature(otpKey, token, otpKey.publicKey)));
  const { session, activity } = await logIn(token, sessionKey, await loginSignature(otpKey, token, sessionKey.publicKey), { expirationSeconds: "1800" });
  assert.equal(activity.type, "ACTIVITY_TYPE_OTP_LOGIN_V2");
  assert.equal(await verifySessionJwtSignature(session, notarizer), true);
  const claims = JSON.parse(Buffer.from(session.split(".")[1], "base64url").toString());
  assert.equal(claims.organization_id, organizationId);
  assert.equal(claims.user_id, userId);
  assert.equal(claims.public_key, sessionKey.publicKey);
  assert.equal(claims.session_type, "SESSION_TYPE_READ_WRITE");
  assert.ok(Math.abs(claims.exp - Date.now() / 1000 - 1800) < 60, `exp ${claims.exp}`);
});

let me = client(organizationId, sessionKey);

await step("the session key is the user, under the sub-organization's id and under the parent's", async () => {
  for (const id of [organizationId, parentId]) {
    const who = await me.getWhoami({ organizationId: id });
    assert.equal(who.organizationId, organizationId);
    assert.equal(who.userId, userId);
    assert.equal(who.username, "Ada");
  }
});

await step("the user has a verified contact and an expiring log-in key", async () => {
  const { user } = await me.getUser({ userId });
  assert.equal(user.userEmail, email);
  const login = user.apiKeys.find((k) => k.credential.publicKey === sessionKey.publicKey);
  assert.equal(login.credential.type, "CREDENTIAL_TYPE_LOGIN");
  assert.equal(login.expirationSeconds, "1800");
  const { apiKeys } = await me.getApiKeys({ userId });
  assert.ok(apiKeys.some((k) => k.apiKeyId === login.apiKeyId));
  const { users } = await me.getUsers();
  assert.deepEqual(users.map((u) => u.userId), [userId]);
});

// --- wallets ---------------------------------------------------------------------------------------------------

const defaults = Object.entries(sdk)
  .filter(([name]) => /^DEFAULT_.*_ACCOUNTS$/.test(name))
  .flatMap(([, accounts]) => accounts);
const undone = (format) => /_P2WSH$|_TON_/.test(format);

let accounts;
const walletId = await flow(name, "create_wallet with every default account of the SDK whose encoding is known", async () => {
  const wanted = defaults.filter((a) => !undone(a.addressFormat));
  assert.ok(wanted.length >= 25, `${wanted.length} defaults`);
  // several formats share a path, as those of Bitcoin's test networks do; a wallet has each path once
  const paths = new Set();
  const first = wanted.filter((a) => !paths.has(a.path) && paths.add(a.path));
  const made = await me.createWallet({ walletName: "First", accounts: first, mnemonicLength: 24 });
  assert.equal(made.activity.type, "ACTIVITY_TYPE_CREATE_WALLET");
  assert.equal(made.addresses.length, first.length);
  accounts = (await me.getWalletAccounts({ walletId: made.walletId, paginationOptions: { limit: "100" } })).accounts;
  assert.deepEqual(new Set(accounts.map((a) => a.address)), new Set(made.addresses));
  return made.walletId;
});

await step("what has no known encoding is refused, not invented", async () => {
  for (const account of defaults.filter((a) => undone(a.addressFormat))) {
    await refused(me.createWallet({ walletName: `x ${account.addressFormat}`, accounts: [account] }), "invalid address format");
  }
});

await flow(name, "create_wallet_accounts adds one, and refuses the same path", async () => {
  const account = { ...sdk.defaultEthereumAccountAtIndex(1) };
  const { addresses } = await me.createWalletAccounts({ walletId, accounts: [account] });
  assert.match(addresses[0], /^0x[0-9a-fA-F]{40}$/);
  const error = await refused(me.createWalletAccounts({ walletId, accounts: [account] }), "path already exists in wallet account");
  assert.equal(error.code, 6);
});

await step("wrong account parameters are refused in the vendor's words", async () => {
  const good = sdk.defaultEthereumAccountAtIndex(2);
  const tries = [
    [{ path: "m/44'/60'/x" }, "invalid path"],
    [{ path: "44'/60'/2'/0/0" }, "invalid path"],
    [{ ...sdk.defaultSolanaAccountAtIndex(1), path: "m/44'/501'/1'/0" }, "invalid path"],
  ];
  for (const [change, words] of tries) {
    const error = await refused(me.createWalletAccounts({ walletId, accounts: [{ ...good, ...change }] }), words);
    assert.equal(error.code, 3);
  }
});

await step("getWallets and getWalletAccount show what was made", async () => {
  const { wallets } = await me.getWallets();
  assert.equal(wallets.length, 1);
  assert.equal(wallets[0].walletId, walletId);
  assert.equal(wallets[0].walletName, "First");
  assert.equal(wallets[0].exported, false);
  assert.equal(wallets[0].imported, false);
});

// --- signatures ------------------------------------------------------------------------------------------------

const account = (format) => accounts.find((a) => a.addressFormat === `ADDRESS_FORMAT_${format}`);

await flow(name, "sign_raw_payload for every account, each in its scheme", async () => {
  for (const a of accounts) {
    const config = sdk.addressFormatConfig[a.addressFormat];
    const hash = config?.hashFunction ?? (a.curve === "CURVE_ED25519" ? "HASH_FUNCTION_NOT_APPLICABLE" : "HASH_FUNCTION_SHA256");
    const message = `to ${a.address}`;
    const utf8 = config?.encoding === "PAYLOAD_ENCODING_TEXT_UTF8";
    const signed = await me.signRawPayload({
      signWith: a.address,
      payload: utf8 ? message : Buffer.from(message).toString("hex"),
      encoding: utf8 ? "PAYLOAD_ENCODING_TEXT_UTF8" : "PAYLOAD_ENCODING_HEXADECIMAL",
      hashFunction: hash,
    });
    assertSigned(a, message, hash, signed);
  }
});

const typed = {
  types: { Mail: [{ name: "to", type: "address" }, { name: "amounts", type: "uint256[]" }, { name: "memo", type: "Memo" }], Memo: [{ name: "text", type: "string" }] },
  domain: { name: "Mail", version: "1", chainId: 1, verifyingContract: "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC" },
  primaryType: "Mail",
  message: { to: "0x0000000000000000000000000000000000000001", amounts: ["1000000000000000000", 2], memo: { text: "grüße" } },
};

await flow(name, "sign_raw_payload of typed data and of an authorization: viem recovers the signer", async () => {
  const { address } = account("ETHEREUM");
  const sign = async (payload, encoding) => {
    const { r, s, v } = await me.signRawPayload({ signWith: address.toLowerCase(), payload: JSON.stringify(payload), encoding, hashFunction: "HASH_FUNCTION_NO_OP" });
    return { r: `0x${r}`, s: `0x${s}`, yParity: Number(v) };
  };
  const signature = viem.serializeSignature(await sign(typed, "PAYLOAD_ENCODING_EIP712"));
  assert.equal(await viem.recoverTypedDataAddress({ ...typed, signature }), address);
  const authorization = { address: "0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265", chainId: 1, nonce: 7 };
  const signed = await sign(authorization, "PAYLOAD_ENCODING_EIP7702_AUTHORIZATION");
  assert.equal(await recoverAuthorizationAddress({ authorization: { ...authorization, ...signed } }), address);
});

await step("wrong signing parameters are refused in the vendor's words", async () => {
  const good = { signWith: account("ETHEREUM").address, payload: "00", encoding: "PAYLOAD_ENCODING_HEXADECIMAL", hashFunction: "HASH_FUNCTION_KECCAK256" };
  await refused(me.signRawPayload({ ...good, hashFunction: "HASH_FUNCTION_NO_OP" }), "expected a 32-bytes-long digest");
  await refused(me.signRawPayload({ ...good, hashFunction: "HASH_FUNCTION_NOT_APPLICABLE" }), "invalid hash function");
  await refused(me.signRawPayload({ ...good, signWith: account("SOLANA").address }), "invalid hash function");
  await refused(me.signRawPayload({ ...good, signWith: "0x0000000000000000000000000000000000000000" }));
});

// --- activities ------------------------------------------------------------------------------------------------

await step("an activity has the fingerprint of its body, and the same body is the same activity", async () => {
  const ethereum = account("ETHEREUM");
  const request = await me.stampSignRawPayload({ signWith: ethereum.address, payload: "hello", encoding: "PAYLOAD_ENCODING_TEXT_UTF8", hashFunction: "HASH_FUNCTION_KECCAK256" });
  const stamp = JSON.parse(Buffer.from(request.stamp.stampHeaderValue, "base64url").toString());
  assert.equal(await verifyStampSignature(stamp.publicKey, stamp.signature, request.body), true);
  const send = async () => {
    const response = await fetch(request.url, { method: "POST", body: request.body, headers: { [request.stamp.stampHeaderName]: request.stamp.stampHeaderValue } });
    assert.equal(response.status, 200);
    return (await response.json()).activity;
  };
  const first = await send();
  const second = await send();
  assert.equal(first.fingerprint, computeActivityFingerprint(request.body));
  assert.equal(second.id, first.id);
  assert.equal(second.result.signRawPayloadResult.r, first.result.signRawPayloadResult.r);
  const { activity } = await me.getActivity({ activityId: first.id });
  assert.equal(activity.status, "ACTIVITY_STATUS_COMPLETED");
  assert.equal(activity.fingerprint, first.fingerprint);
  assert.equal(activity.intent.signRawPayloadIntentV2.payload, "hello");
  assert.equal(activity.votes.length, 1);
  assert.equal(activity.votes[0].userId, userId);
});

await flow(named("@turnkey/http"), "an activity is polled to its end", async () => {
  const http = new TurnkeyClient({ baseUrl: apiBaseUrl }, new ApiKeyStamper({ apiPublicKey: sessionKey.publicKey, apiPrivateKey: sessionKey.privateKey }));
  assert.equal((await http.getWhoami({ organizationId })).userId, userId);
  const poll = createActivityPoller({ client: http, requestFn: http.createWallet, refreshIntervalMs: 20 });
  const activity = await poll({
    type: "ACTIVITY_TYPE_CREATE_WALLET",
    organizationId,
    timestampMs: String(Date.now()),
    parameters: { walletName: "Second", accounts: [sdk.defaultEthereumAccountAtIndex(0)] },
  });
  assert.match(activity.result.createWalletResult.walletId, uuid);
});

// --- the session's end -----------------------------------------------------------------------------------------

const loginKeys = async (by) => (await by.getApiKeys({ userId })).apiKeys.filter((k) => k.credential.type === "CREDENTIAL_TYPE_LOGIN").map((k) => k.credential.publicKey);

let refreshed;
await flow(name, "stamp_login refreshes; the old key stays until it is told to go", async () => {
  refreshed = newKey();
  const { session } = await me.stampLogin({ publicKey: refreshed.publicKey, expirationSeconds: "900" });
  assert.equal(await verifySessionJwtSignature(session, notarizer), true);
  const next = client(organizationId, refreshed);
  assert.equal((await next.getWhoami()).userId, userId);
  assert.equal((await me.getWhoami()).userId, userId);
  assert.deepEqual(new Set(await loginKeys(next)), new Set([sessionKey.publicKey, refreshed.publicKey]));

  const last = newKey();
  await next.stampLogin({ publicKey: last.publicKey, expirationSeconds: "900", invalidateExisting: true });
  const survivor = client(organizationId, last);
  assert.deepEqual(await loginKeys(survivor), [last.publicKey]);
  await refused(me.getWhoami(), "could not find public key in organization or its parent organization");
  refreshed = last;
});

await flow(name, "delete_api_keys logs out: the key is unknown at once", async () => {
  me = client(organizationId, refreshed);
  const { apiKeys } = await me.getApiKeys({ userId });
  const own = apiKeys.find((k) => k.credential.publicKey === refreshed.publicKey);
  const { apiKeyIds } = await me.deleteApiKeys({ userId, apiKeyIds: [own.apiKeyId] });
  assert.deepEqual(apiKeyIds, [own.apiKeyId]);
  const error = await refused(me.getWhoami(), "could not find public key in organization or its parent organization", "PUBLIC_KEY_NOT_FOUND");
  assert.equal(error.code, 16);
  await refused(me.createWallet({ walletName: "Late", accounts: [] }), "could not find public key");
});

await flow(name, "OTP by e-mail, encrypted: a later log-in finds the account by its contact", async () => {
  const pair = newKey();
  const proof = await proveContact(email, pair);
  assert.deepEqual((await app.getVerifiedSubOrgIds({ filterType: "EMAIL", filterValue: email })).organizationIds, [organizationId]);
  await logIn(proof, pair, await loginSignature(pair, proof, pair.publicKey)); // one key for both, as @turnkey/core does
  me = client(organizationId, pair);
  assert.ok((await me.getWallets()).wallets.some((w) => w.walletId === walletId));
});

await flow(name, "OTP by SMS, encrypted: sign-up and log-in", async () => {
  const contact = "+12025550147";
  const pair = newKey();
  const init = await initOtp(contact, { otpType: "OTP_TYPE_SMS" });
  const { verificationToken } = await app.verifyOtp({ otpId: init.otpId, encryptedOtpBundle: await sealed(await code(contact), init, pair) });
  const root = { userName: "Hedy", userPhoneNumber: contact, apiKeys: [], authenticators: [], oauthProviders: [] };
  const made = await signUp(root, verificationToken, await signupSignature(pair, verificationToken, { phoneNumber: contact }));
  assert.deepEqual((await app.getVerifiedSubOrgIds({ filterType: "PHONE_NUMBER", filterValue: contact })).organizationIds, [made.subOrganizationId]);
  await app.otpLogin({ organizationId: made.subOrganizationId, verificationToken, publicKey: pair.publicKey, clientSignature: await loginSignature(pair, verificationToken, pair.publicKey) });
  assert.equal((await client(made.subOrganizationId, pair).getWhoami()).username, "Hedy");
});

// --- what must be refused --------------------------------------------------------------------------------------

await step("a wrong code is told from a locked one only by the fourth try's fate", async () => {
  const pair = newKey();
  const contact = "wrong@example.com";
  const init = await initOtp(contact);
  const digits = await code(contact);
  const wrong = digits === "000000" ? "000001" : "000000";
  for (let i = 0; i < 3; i++) {
    await refused(app.verifyOtp({ otpId: init.otpId, encryptedOtpBundle: await sealed(wrong, init, pair) }), "Invalid OTP code");
  }
  await refused(app.verifyOtp({ otpId: init.otpId, encryptedOtpBundle: await sealed(digits, init, pair) }), "Invalid OTP code");
});

await step("a code sealed to another attempt's target is refused", async () => {
  const pair = newKey();
  const one = await initOtp("target@example.com");
  const digits = await code("target@example.com");
  const two = await initOtp("other@example.com");
  await refused(app.verifyOtp({ otpId: one.otpId, encryptedOtpBundle: await sealed(digits, two, pair) }));
});

await step("too many codes at once are refused", async () => {
  const contact = "many@example.com";
  const start = async () => {
    for (let i = 0; i < 20; i++) await initOtp(contact);
  };
  await refused(start(), "Max number of OTPs have been initiated");
});

await step("the parent reads its sub-organizations and cannot write in them", async () => {
  assert.ok((await app.getUsers({ organizationId })).users.some((u) => u.userId === userId));
  assert.ok((await app.getWallets({ organizationId })).wallets.length > 0);
  await refused(app.createWallet({ organizationId, walletName: "Theirs", accounts: [] }), "organization mismatch");
});

await step("a stranger is refused everywhere", async () => {
  const stranger = client(organizationId, newKey());
  await refused(stranger.getWhoami(), "could not find public key in organization or its parent organization");
  await refused(stranger.getWallets(), "could not find public key in organization or its parent organization");
  await refused(app.getUsers({ organizationId: "00000000-0000-4000-8000-000000000000" }), "no organization found with the given ID");
  await refused(app.getUsers({ organizationId: "not a uuid" }), "malformed organization ID provided");
});

await step("a changed body and a missing stamp are refused", async () => {
  const request = await me.stampGetWhoami({});
  const post = async (body, headers) => {
    const response = await fetch(request.url, { method: "POST", body, headers });
    return { status: response.status, ...(await response.json()) };
  };
  const stamp = { [request.stamp.stampHeaderName]: request.stamp.stampHeaderValue };
  assert.equal((await post(request.body, stamp)).status, 200);
  const changed = await post(request.body.replace("{", "{ "), stamp);
  assert.equal(changed.status, 401);
  assert.match(changed.message, /could not verify api key signature/);
  const bare = await post(request.body, {});
  assert.equal(bare.status, 401);
  assert.equal(bare.turnkeyErrorCode, "SIGNATURE_MISSING");
});

await step("an expired session is refused in the words that Turnkey's kits look for", async () => {
  await advance(901);
  await refused(me.getWhoami(), "Unauthenticated desc = expired api key publicKey", "API_KEY_EXPIRED");
  await advance(-901);
  assert.equal((await me.getWhoami()).userId, userId);
});

// --- the SDK's own server actions, with their defaults: nine characters, letters too ---------------------------

await flow(name, "the SDK's own server actions, with their own defaults", async () => {
  const contact = "grace@example.com";
  const pair = newKey();
  const sent = await sdk.server.sendOtp({ contact, otpType: "OTP_TYPE_EMAIL", appName: "Example" });
  const characters = await code(contact);
  assert.match(characters, /^[0-9a-zA-Z]{9}$/);
  const verified = await sdk.server.verifyOtp({ otpId: sent.otpId, encryptedOtpBundle: await sealed(characters, sent, pair), sessionLengthSeconds: 900 });
  const { subOrganizationIds } = await sdk.server.getOrCreateSuborg({ filterType: "EMAIL", filterValue: contact, additionalData: { email: contact } });
  assert.equal(subOrganizationIds.length, 1);
  const { session } = await sdk.server.otpLogin({
    suborgID: subOrganizationIds[0],
    verificationToken: verified.verificationToken,
    publicKey: pair.publicKey,
    clientSignature: await loginSignature(pair, verified.verificationToken, pair.publicKey),
    sessionLengthSeconds: 900,
  });
  assert.equal(await verifySessionJwtSignature(session, notarizer), true);
  const hers = client(subOrganizationIds[0], pair);
  const { wallets } = await hers.getWallets();
  assert.equal(wallets.length, 1);
  const listed = (await hers.getWalletAccounts({ walletId: wallets[0].walletId })).accounts;
  assert.deepEqual(listed.map((a) => a.addressFormat).sort(), ["ADDRESS_FORMAT_ETHEREUM", "ADDRESS_FORMAT_SOLANA"]);
  const again = await sdk.server.getOrCreateSuborg({ filterType: "EMAIL", filterValue: contact, additionalData: { email: contact } });
  assert.deepEqual(again.subOrganizationIds, subOrganizationIds);
});
