// Passkeys: sign-up and log-in with one tap each, a second passkey, and stamps by passkey.
import assert from "node:assert/strict";
import { corePage, session } from "./core-page.mjs";
import { flow, named, refused } from "./steps.mjs";

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
