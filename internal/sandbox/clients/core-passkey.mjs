// Passkeys: sign-up and log-in with one tap each, a second passkey, and sessions by passkey in both forms.
import assert from "node:assert/strict";
import { decryptCredentialBundle, generateP256KeyPair, getPublicKey } from "@turnkey/crypto";
import { uint8ArrayFromHexString, uint8ArrayToHexString } from "@turnkey/encoding";
import { corePage, session } from "./core-page.mjs";
import { flow, named, refused } from "./steps.mjs";
import { client as sdkClient } from "./turnkey.mjs";

export async function passkeys(browser) {
  const name = named("@turnkey/core", "in Chromium");
  const page = await corePage(browser, "unmodified");

  const account = await flow(name, "passkey: sign-up", async () => {
    const { credentialId } = await page.run(() => client.signUpWithPasskey({ passkeyDisplayName: "Laptop" }));
    const { organizationId, user } = await session(page);
    assert.deepEqual(user.authenticators.map((one) => [one.authenticatorName, one.credentialId]), [["Laptop", credentialId]]);
    return organizationId;
  });

  await flow(name, "passkey: log-in, a session by stamp_login", async () => {
    await page.run(() => client.logout());
    await page.run(() => client.loginWithPasskey({ expirationSeconds: "600" }));
    const { organizationId, expirationSeconds } = await session(page);
    assert.equal(organizationId, account);
    assert.equal(expirationSeconds, "600");
  });

  await flow(name, "passkey: a session by create_read_write_session", async () => {
    const target = generateP256KeyPair();
    const made = await page.run((targetPublicKey) => client.httpClient.createReadWriteSession({ targetPublicKey, expirationSeconds: "600" }, "passkey"), target.publicKeyUncompressed);
    const privateKey = decryptCredentialBundle(made.credentialBundle, target.privateKey);
    const publicKey = uint8ArrayToHexString(getPublicKey(uint8ArrayFromHexString(privateKey), true));
    const who = await sdkClient(account, { publicKey, privateKey }).getWhoami();
    assert.deepEqual([who.organizationId, who.userId], [account, made.userId]);
  });

  await flow(name, "passkey: stamp a wallet's making and a signature with it", async () => {
    const walletId = await page.run(() => client.createWallet({ walletName: "By passkey", stampWith: "passkey" }));
    const [wallet] = await page.run(() => client.fetchWallets({ stampWith: "passkey" }));
    assert.equal(wallet.walletId, walletId);
    const signed = await page.run((walletAccount) => client.signMessage({ message: "hello", walletAccount, stampWith: "passkey" }), wallet.accounts[0]);
    assert.match(signed.r + signed.s, /^[0-9a-f]{128}$/);
  });

  await flow(name, "passkey: add and remove another", async () => {
    const [id] = await page.run(() => client.addPasskey({ name: "Phone" }));
    assert.deepEqual((await session(page)).user.authenticators.map((one) => one.authenticatorName).sort(), ["Laptop", "Phone"]);
    await page.run((id) => client.removePasskeys({ authenticatorIds: [id] }), id);
    assert.deepEqual((await session(page)).user.authenticators.map((one) => one.authenticatorName), ["Laptop"]);
  });

  await flow(name, "passkey: nobody's is refused", async () => {
    const other = await corePage(browser, "unmodified");
    await other.run(() => client.createPasskey({ name: "Stranger" }));
    await refused(other.run(() => client.loginWithPasskey()), "PASSKEY_LOGIN_AUTH_ERROR");
    await other.close();
  });
  await page.close();
}
