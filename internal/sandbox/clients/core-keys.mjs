// Keys and transactions by @turnkey/core: phrases and keys leave sealed to the page and come back, opened and sealed by
// @turnkey/crypto in the page itself, which trusts the swapped pins alone.
import assert from "node:assert/strict";
import { Keypair, PublicKey, SystemProgram, Transaction } from "@solana/web3.js";
import * as viem from "viem";
import { mnemonicToAccount, privateKeyToAccount } from "viem/accounts";
import { corePage, session, signUp } from "./core-page.mjs";
import { flow, named, refused } from "./steps.mjs";

export async function keys(browser) {
  const name = named("@turnkey/core", "in Chromium, pins swapped");
  const page = await corePage(browser, "swapped");
  await signUp(page);
  const { organizationId, userId } = await session(page);
  const walletId = await page.run(() => client.createWallet({ walletName: "Out", accounts: ["ADDRESS_FORMAT_ETHEREUM", "ADDRESS_FORMAT_SOLANA"] }));
  const [{ accounts }] = await page.run(() => client.fetchWallets());
  const [ethereum, solana] = ["ETHEREUM", "SOLANA"].map((format) => accounts.find((one) => one.addressFormat === `ADDRESS_FORMAT_${format}`));

  await flow(name, "sign_transaction: viem and @solana/web3.js find the signer", async () => {
    const sign = (walletAccount, transactionType, unsignedTransaction) =>
      page.run((params) => client.signTransaction(params), { walletAccount, transactionType: `TRANSACTION_TYPE_${transactionType}`, unsignedTransaction });
    const unsigned = viem.serializeTransaction({ type: "eip1559", chainId: 1, nonce: 0, gas: 21000n, maxFeePerGas: 2n, maxPriorityFeePerGas: 1n, to: ethereum.address, value: 1n });
    assert.equal(await viem.recoverTransactionAddress({ serializedTransaction: `0x${await sign(ethereum, "ETHEREUM", unsigned)}` }), ethereum.address);
    const from = new PublicKey(solana.address);
    const transaction = new Transaction({ recentBlockhash: Keypair.generate().publicKey.toBase58(), feePayer: from }).add(SystemProgram.transfer({ fromPubkey: from, toPubkey: Keypair.generate().publicKey, lamports: 1 }));
    const signed = await sign(solana, "SOLANA", transaction.serialize({ requireAllSignatures: false, verifySignatures: false }).toString("hex"));
    assert.equal(Transaction.from(Buffer.from(signed, "hex")).verifySignatures(true), true);
  });

  const phrase = await flow(name, "export a wallet and an account", async () => {
    const opened = (call, input, returnMnemonic) =>
      page.run(
        async ({ call, input, organizationId, returnMnemonic }) => {
          const target = turnkey.crypto.generateP256KeyPair();
          const exportBundle = await client[call]({ ...input, targetPublicKey: target.publicKeyUncompressed });
          return turnkey.crypto.decryptExportBundle({ exportBundle, embeddedKey: target.privateKey, organizationId, returnMnemonic });
        },
        { call, input, organizationId, returnMnemonic },
      );
    assert.equal(privateKeyToAccount(`0x${await opened("exportWalletAccount", { address: ethereum.address }, false)}`).address, ethereum.address);
    const phrase = await opened("exportWallet", { walletId }, true);
    assert.equal(mnemonicToAccount(phrase).address, ethereum.address);
    return phrase;
  });

  await flow(name, "import a wallet and a private key", async () => {
    const words = "test test test test test test test test test test test junk";
    const importWallet = (mnemonic) =>
      page.run(
        async ({ mnemonic, organizationId, userId }) => {
          const { importBundle } = await client.httpClient.initImportWallet({ userId });
          const encryptedBundle = await turnkey.crypto.encryptWalletToBundle({ mnemonic, importBundle, userId, organizationId });
          return client.importWallet({ walletName: `In ${Date.now()}`, encryptedBundle });
        },
        { mnemonic, organizationId, userId },
      );
    const id = await importWallet(words);
    const wallet = (await page.run(() => client.fetchWallets())).find((one) => one.walletId === id);
    assert.ok(wallet.accounts.some((one) => one.address === mnemonicToAccount(words).address));
    await refused(importWallet(phrase), "IMPORT_WALLET_ERROR");
    const privateKey = "4646464646464646464646464646464646464646464646464646464646464646";
    await page.run(
      async ({ privateKey, organizationId, userId }) => {
        const { importBundle } = await client.httpClient.initImportPrivateKey({ userId });
        const encryptedBundle = await turnkey.crypto.encryptPrivateKeyToBundle({ privateKey, keyFormat: "HEXADECIMAL", importBundle, userId, organizationId });
        return client.importPrivateKey({ privateKeyName: "In", encryptedBundle, curve: "CURVE_SECP256K1", addressFormats: ["ADDRESS_FORMAT_ETHEREUM"] });
      },
      { privateKey, organizationId, userId },
    );
    const held = await page.run(() => client.fetchPrivateKeys());
    assert.deepEqual(held.map((one) => one.addresses[0].address), [privateKeyToAccount(`0x${privateKey}`).address]);
  });
  await page.close();
}
