// Sessions that may do less than their user: session profiles; then what is left to read and to keep in order with
// @turnkey/sdk-server: tags of private keys, single accounts, several signatures at once, credentials by their ids.
import assert from "node:assert/strict";
import * as sdk from "@turnkey/sdk-server";
import { encryptOauth2ClientSecret } from "@turnkey/crypto";
import { code, flow, refused } from "./steps.mjs";
import { apiKey, assertSigned, client, clientName as name, env, newKey, parent } from "./turnkey.mjs";

const app = parent();
const key = newKey();
const { subOrganizationId, rootUserIds } = await app.createSubOrganization({
  subOrganizationName: "S", rootQuorumThreshold: 1, rootUsers: [{ userName: "S", userEmail: "scopes@example.com", apiKeys: [apiKey(key)], authenticators: [], oauthProviders: [] }],
});
const [userId] = rootUserIds;
const me = client(subOrganizationId, key);
const { walletId, addresses } = await me.createWallet({ walletName: "S", accounts: [0, 1, 2].map(sdk.defaultEthereumAccountAtIndex) });
const signing = { encoding: "PAYLOAD_ENCODING_TEXT_UTF8", hashFunction: "HASH_FUNCTION_KECCAK256" };

await flow(name, "session profiles: a session signs and does nothing else", async () => {
  const { sessionProfileId } = await app.createSessionProfile({ sessionProfileName: "signer", scope: "activity.action == 'SIGN'", expirationSeconds: "300" });
  assert.equal((await me.getSessionProfile({ sessionProfileId })).sessionProfile.sessionProfileName, "signer");
  assert.deepEqual((await me.getSessionProfiles({})).sessionProfiles.map((one) => one.sessionProfileId), [sessionProfileId]);
  const pair = newKey();
  const { session } = await me.stampLogin({ publicKey: pair.publicKey, sessionProfileId });
  assert.equal(JSON.parse(Buffer.from(session.split(".")[1], "base64url")).public_key, pair.publicKey);
  const narrow = client(subOrganizationId, pair);
  await narrow.signRawPayload({ ...signing, signWith: addresses[0], payload: "hello" });
  await refused(narrow.createWallet({ walletName: "No", accounts: [] }));
});

await flow(name, "several signatures at once, each over its own payload", async () => {
  const payloads = ["one", "two", "three"];
  const { signatures } = await me.signRawPayloads({ ...signing, signWith: addresses[1], payloads });
  const { account } = await me.getWalletAccount({ walletId, address: addresses[1] });
  for (const [i, signature] of signatures.entries()) assertSigned(account, payloads[i], signing.hashFunction, signature);
});

await flow(name, "single accounts and tags of private keys", async () => {
  const { accounts } = await me.getWalletAccounts({ walletId });
  const { walletAccountId } = accounts.find((one) => one.address === addresses[2]);
  await me.deleteWalletAccounts({ walletAccountIds: [walletAccountId], deleteWithoutExport: true });
  assert.equal((await me.getWalletAccounts({ walletId })).accounts.length, 2);
  const wanted = { privateKeyName: "K", curve: "CURVE_ED25519", privateKeyTags: [], addressFormats: ["ADDRESS_FORMAT_SOLANA"] };
  const [{ privateKeyId }] = (await me.createPrivateKeys({ privateKeys: [wanted] })).privateKeys;
  const { privateKeyTagId } = await me.createPrivateKeyTag({ privateKeyTagName: "cold", privateKeyIds: [privateKeyId] });
  await me.updatePrivateKeyTag({ privateKeyTagId, newPrivateKeyTagName: "warm", addPrivateKeyIds: [], removePrivateKeyIds: [] });
  assert.deepEqual((await me.listPrivateKeyTags({})).privateKeyTags.map((tag) => tag.tagName), ["warm"]);
  await me.deletePrivateKeyTags({ privateKeyTagIds: [privateKeyTagId] });
  assert.deepEqual((await me.listPrivateKeyTags({})).privateKeyTags, []);
});

await flow(name, "credentials by their ids, and what was mailed", async () => {
  const extra = newKey();
  const { apiKeyIds } = await me.createApiKeys({ userId, apiKeys: [apiKey(extra, "300")] });
  const { apiKey: made } = await me.getApiKey({ apiKeyId: apiKeyIds[0] });
  assert.equal(made.credential.publicKey, extra.publicKey);
  assert.deepEqual((await me.getAuthenticators({ userId })).authenticators, []);
  await me.updateUser({ userId, userName: "Es" });
  assert.equal((await me.getWhoami()).username, "Es");
  await app.initOtp({ otpType: "OTP_TYPE_EMAIL", contact: "scopes@example.com", appName: "Example", otpLength: 6, alphanumeric: false });
  await code("scopes@example.com");
  const { emailEvents } = await app.listEmailEvents({ email: "scopes@example.com" });
  assert.ok(emailEvents.length > 0 && emailEvents.every((event) => event.toAddress === "scopes@example.com"));
});

await flow(name, "OAuth 2.0 credentials are changed and deleted", async () => {
  const provider = "OAUTH2_PROVIDER_DISCORD";
  const encryptedClientSecret = await encryptOauth2ClientSecret("secret", env.LATCHKEY_TLS_FETCHER_ENCRYPTION_PUBLIC_KEY);
  const { oauth2CredentialId } = await app.createOauth2Credential({ provider, clientId: "before", encryptedClientSecret });
  await app.updateOauth2Credential({ oauth2CredentialId, provider, clientId: "after", encryptedClientSecret });
  assert.equal((await app.getOauth2Credential({ oauth2CredentialId })).oauth2Credential.clientId, "after");
  await app.deleteOauth2Credential({ oauth2CredentialId });
  await refused(app.getOauth2Credential({ oauth2CredentialId }));
  await refused(app.createOauth2Credential({ provider, clientId: "other", encryptedClientSecret: await encryptOauth2ClientSecret("secret") }));
});
