// What a person does with a session: refresh, several at once, wallets, signatures, a delegate, log-out.
import assert from "node:assert/strict";
import { ed25519 } from "@noble/curves/ed25519";
import { PublicKey } from "@solana/web3.js";
import * as viem from "viem";
import { corePage, session, signUp } from "./core-page.mjs";
import { flow, named, refused } from "./steps.mjs";
import { client as sdkClient, newKey } from "./turnkey.mjs";

export async function sessions(browser) {
  const client = named("@turnkey/core", "in Chromium");
  const page = await corePage(browser, "unmodified");
  await signUp(page);

  await flow(client, "refresh", async () => {
    const before = await session(page);
    await page.run(() => client.refreshSession({ expirationSeconds: "600", invalidateExisitng: true }));
    const after = await session(page);
    assert.notEqual(after.publicKey, before.publicKey);
    assert.equal(after.expirationSeconds, "600");
    assert.deepEqual(after.user.apiKeys.filter((key) => key.credential.type === "CREDENTIAL_TYPE_LOGIN").map((key) => key.credential.publicKey), [after.publicKey]);
  });

  const accounts = await flow(client, "create, list and extend a wallet", async () => {
    const walletId = await page.run(() => client.createWallet({ walletName: "First", accounts: ["ADDRESS_FORMAT_ETHEREUM", "ADDRESS_FORMAT_SOLANA"] }));
    await page.run((walletId) => client.createWalletAccounts({ walletId, accounts: ["ADDRESS_FORMAT_ETHEREUM", "ADDRESS_FORMAT_BITCOIN_MAINNET_P2WPKH"] }), walletId);
    const wallets = (await page.run(() => client.fetchWallets())).filter((wallet) => wallet.source === "embedded");
    assert.deepEqual(wallets.map((wallet) => [wallet.walletId, wallet.walletName, wallet.accounts.length]), [[walletId, "First", 4]]);
    return wallets[0].accounts;
  });
  const account = (format) => accounts.find((a) => a.addressFormat === `ADDRESS_FORMAT_${format}`);

  await flow(client, "sign a message; viem and Ed25519 agree", async () => {
    const sign = (walletAccount) => page.run((walletAccount) => client.signMessage({ message: "grüße", walletAccount, addEthereumPrefix: true }), walletAccount);
    const { r, s, v } = await sign(account("ETHEREUM"));
    assert.equal(await viem.recoverMessageAddress({ message: "grüße", signature: viem.serializeSignature({ r: `0x${r}`, s: `0x${s}`, yParity: Number(v) }) }), account("ETHEREUM").address);
    const solana = await sign(account("SOLANA"));
    assert.ok(ed25519.verify(solana.r + solana.s, new TextEncoder().encode("grüße"), new PublicKey(account("SOLANA").address).toBytes()));
  });

  await flow(client, "several sessions, one of them active", async () => {
    const first = await session(page);
    await page.run(async () => {
      const { session } = await client.httpClient.stampLogin({ publicKey: await client.createApiKeyPair(), expirationSeconds: "300" });
      await client.storeSession({ sessionToken: session, sessionKey: "second" });
    });
    assert.equal((await session(page)).expirationSeconds, "300");
    const all = await page.run(() => client.getAllSessions());
    assert.deepEqual(new Set(Object.values(all).map((one) => one.userId)), new Set([first.userId]));
    assert.equal(Object.keys(all).length, 2);
    await page.run((key) => client.setActiveSession({ sessionKey: key }), Object.keys(all).find((key) => key !== "second"));
    assert.equal((await session(page)).publicKey, first.publicKey);
    await page.run(() => client.clearSession({ sessionKey: "second" }));
    assert.equal(Object.keys(await page.run(() => client.getAllSessions())).length, 1);
  });

  await flow(client, "a delegate with a policy: made once, found again, and held to it", async () => {
    const delegate = newKey();
    const make = () => page.run((publicKey) => client.fetchOrCreateP256ApiKeyUser({ publicKey, createParams: { userName: "Delegate" } }), delegate.publicKey);
    const { userId } = await make();
    assert.equal((await make()).userId, userId);
    const policies = [{ policyName: "delegate signs", effect: "EFFECT_ALLOW", consensus: `approvers.any(user, user.id == '${userId}')`, condition: "activity.action == 'SIGN'", notes: "" }];
    const allow = () => page.run((policies) => client.fetchOrCreatePolicies({ policies }), policies);
    const [{ policyId }] = await allow();
    assert.equal((await allow())[0].policyId, policyId);
    const theirs = sdkClient((await session(page)).organizationId, delegate);
    await theirs.signRawPayload({ signWith: account("ETHEREUM").address, payload: "hello", encoding: "PAYLOAD_ENCODING_TEXT_UTF8", hashFunction: "HASH_FUNCTION_KECCAK256" });
    await refused(theirs.createWallet({ walletName: "Theirs", accounts: [] }), "permission");
  });

  await flow(client, "log out, and the key is of no use in the page", async () => {
    await page.run(() => client.logout());
    await refused(page.run(() => client.fetchWallets()), "No active session found");
  });
  await page.close();
}

