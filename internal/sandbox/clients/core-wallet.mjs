// External wallets: a page's Ethereum or Solana wallet signs the log-in, and the sandbox finds the account by its key.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { corePage, session } from "./core-page.mjs";
import { flow, named, refused } from "./steps.mjs";

const announce = {
  ethereum: (page, key) => page.run((key) => turnkey.wallets.ethereum(`0x${key}`), key),
  solana: (page, key) => page.run((key) => turnkey.wallets.solana(key), key),
};

/** Calls the client with the only wallet of the chain. */
const withWallet = (page, call, chain) =>
  page.run(
    async ([call, chain]) => {
      const [walletProvider] = await client.fetchWalletProviders(chain);
      return client[call]({ walletProvider });
    },
    [call, chain],
  );

/** Of Ethereum addresses the case is decoration; of Solana's it counts. */
const same = (a, b) => a === b || (a.startsWith("0x") && a.toLowerCase() === b.toLowerCase());

export async function wallets(browser) {
  const client = named("@turnkey/core", "in Chromium");
  for (const chain of ["ethereum", "solana"]) {
    const title = { ethereum: "Ethereum (EIP-191)", solana: "Solana" }[chain];
    const key = randomBytes(32).toString("hex");
    const page = await corePage(browser, "unmodified");
    const address = await announce[chain](page, key);

    const account = await flow(client, `external wallet, ${title}: sign-up`, async () => {
      const result = await withWallet(page, "signUpWithWallet", chain);
      assert.ok(same(result.address, address), result.address);
      const { organizationId, user } = await session(page);
      const type = { ethereum: "CREDENTIAL_TYPE_API_KEY_SECP256K1", solana: "CREDENTIAL_TYPE_API_KEY_ED25519" }[chain];
      assert.ok(user.apiKeys.some((key) => key.credential.type === type), JSON.stringify(user.apiKeys));
      return organizationId;
    });
    await flow(client, `external wallet, ${title}: log-in`, async () => {
      await page.run(() => client.logout());
      assert.ok(same((await withWallet(page, "loginWithWallet", chain)).address, address));
      assert.equal((await session(page)).organizationId, account);
    });
    await flow(client, `external wallet, ${title}: log-in or sign-up, whichever it is`, async () => {
      assert.equal((await withWallet(page, "loginOrSignupWithWallet", chain)).action, "LOGIN");
      assert.equal((await session(page)).organizationId, account);
      const other = await corePage(browser, "unmodified");
      await announce[chain](other, randomBytes(32).toString("hex"));
      await refused(other.run(async (chain) => client.loginWithWallet({ walletProvider: (await client.fetchWalletProviders(chain))[0] }), chain), "could not find public key");
      assert.equal((await withWallet(other, "loginOrSignupWithWallet", chain)).action, "SIGNUP");
      assert.notEqual((await session(other)).organizationId, account);
      await other.close();
    });
    await flow(client, `external wallet, ${title}: the connected wallet beside the embedded ones`, async () => {
      const connected = await page.run(() => client.fetchWallets({}));
      assert.ok(connected.some((wallet) => wallet.accounts.some((account) => account.address === address && account.isAuthenticator)), JSON.stringify(connected));
    });
    await page.close();
  }
}
