// Export and import with @turnkey/sdk-server, opened and sealed by @turnkey/crypto: phrases, accounts and keys of
// Ethereum and Solana go out and come back as the same addresses.
import assert from "node:assert/strict";
import { decryptExportBundle, encryptPrivateKeyToBundle, encryptWalletToBundle, generateP256KeyPair } from "@turnkey/crypto";
import * as sdk from "@turnkey/sdk-server";
import { Keypair } from "@solana/web3.js";
import { bs58 } from "@turnkey/encoding";
import { mnemonicToAccount, privateKeyToAccount } from "viem/accounts";
import { flow, named, refused, step } from "./steps.mjs";
import { apiKey, assertSigned, client, clientName, env, newKey, parent } from "./turnkey.mjs";

const name = `${clientName} with ${named("@turnkey/crypto")}`;
const key = newKey();
const { subOrganizationId: organizationId, rootUserIds } = await parent().createSubOrganization({
  subOrganizationName: "Keys", rootQuorumThreshold: 1, rootUsers: [{ userName: "K", apiKeys: [apiKey(key)], authenticators: [], oauthProviders: [] }],
});
const [userId] = rootUserIds;
const me = client(organizationId, key);
const signer = { organizationId, dangerouslyOverrideSignerPublicKey: env.LATCHKEY_SIGNER_PUBLIC_KEY };

/** Calls an export with a key of its own and opens what comes. */
async function exported(call, input, more) {
  const target = generateP256KeyPair();
  const { exportBundle } = await call({ ...input, targetPublicKey: target.publicKeyUncompressed });
  await assert.rejects(decryptExportBundle({ exportBundle, embeddedKey: target.privateKey, organizationId, returnMnemonic: false }), "trusted under the production key");
  return decryptExportBundle({ exportBundle, embeddedKey: target.privateKey, ...signer, ...more });
}

const accounts = [sdk.defaultEthereumAccountAtIndex(0), sdk.defaultSolanaAccountAtIndex(0)];
const { walletId, addresses } = await me.createWallet({ walletName: "Out", accounts, mnemonicLength: 24 });

const phrase = await flow(name, "export a wallet: the phrase leads to its address", async () => {
  const phrase = await exported(me.exportWallet, { walletId }, { returnMnemonic: true });
  assert.equal(phrase.split(" ").length, 24);
  assert.equal(mnemonicToAccount(phrase).address, addresses[0]);
  assert.equal((await me.getWallet({ walletId })).wallet.exported, true);
  return phrase;
});
await flow(name, "export accounts: the keys are those of their addresses", async () => {
  const ethereum = await exported(me.exportWalletAccount, { address: addresses[0] }, { keyFormat: "HEXADECIMAL", returnMnemonic: false });
  assert.equal(privateKeyToAccount(`0x${ethereum}`).address, addresses[0]);
  const solana = await exported(me.exportWalletAccount, { address: addresses[1] }, { keyFormat: "SOLANA", returnMnemonic: false });
  assert.equal(Keypair.fromSecretKey(bs58.decode(solana)).publicKey.toBase58(), addresses[1]);
});
await flow(name, "import a wallet: the same phrase in another organization has the same addresses", async () => {
  const other = newKey();
  const made = await parent().createSubOrganization({ subOrganizationName: "In", rootQuorumThreshold: 1, rootUsers: [{ userName: "I", apiKeys: [apiKey(other)], authenticators: [], oauthProviders: [] }] });
  const me = client(made.subOrganizationId, other);
  const whose = { userId: made.rootUserIds[0], organizationId: made.subOrganizationId };
  const { importBundle } = await me.initImportWallet({ userId: whose.userId });
  const encryptedBundle = await encryptWalletToBundle({ mnemonic: phrase, importBundle, ...signer, ...whose });
  const imported = await me.importWallet({ userId: whose.userId, walletName: "In", encryptedBundle, accounts });
  assert.deepEqual(imported.addresses, addresses);
  assert.equal((await me.getWallet({ walletId: imported.walletId })).wallet.imported, true);
  const again = await me.initImportWallet({ userId: whose.userId });
  const twice = await encryptWalletToBundle({ mnemonic: phrase, importBundle: again.importBundle, ...signer, ...whose });
  const error = await refused(me.importWallet({ userId: whose.userId, walletName: "Twice", encryptedBundle: twice, accounts }));
  assert.equal(error.code, 6);
});
await flow(name, "import and export private keys of Ethereum and Solana", async () => {
  const pair = Keypair.generate();
  const kinds = [
    { privateKey: "4646464646464646464646464646464646464646464646464646464646464646", keyFormat: "HEXADECIMAL", curve: "CURVE_SECP256K1", addressFormats: ["ADDRESS_FORMAT_ETHEREUM"], address: "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F" },
    { privateKey: bs58.encode(pair.secretKey), keyFormat: "SOLANA", curve: "CURVE_ED25519", addressFormats: ["ADDRESS_FORMAT_SOLANA"], address: pair.publicKey.toBase58() },
  ];
  for (const { privateKey, keyFormat, curve, addressFormats, address } of kinds) {
    const { importBundle } = await me.initImportPrivateKey({ userId });
    const encryptedBundle = await encryptPrivateKeyToBundle({ privateKey, keyFormat, importBundle, userId, ...signer });
    const { privateKeyId, addresses } = await me.importPrivateKey({ userId, privateKeyName: keyFormat, encryptedBundle, curve, addressFormats });
    assert.deepEqual(addresses.map((one) => one.address), [address]);
    const hashFunction = curve === "CURVE_ED25519" ? "HASH_FUNCTION_NOT_APPLICABLE" : "HASH_FUNCTION_KECCAK256";
    const signed = await me.signRawPayload({ signWith: privateKeyId, payload: "hello", encoding: "PAYLOAD_ENCODING_TEXT_UTF8", hashFunction });
    const { publicKey } = (await me.getPrivateKey({ privateKeyId })).privateKey;
    assertSigned({ curve, publicKey, address, addressFormat: addressFormats[0] }, "hello", hashFunction, signed);
    assert.equal(await exported(me.exportPrivateKey, { privateKeyId }, { keyFormat, returnMnemonic: false }), privateKey);
  }
});
await step("what is not one's own, or was not exported, is kept", async () => {
  const { walletId } = await me.createWallet({ walletName: "Kept", accounts: [] });
  await refused(me.deleteWallets({ walletIds: [walletId] }));
  await me.deleteWallets({ walletIds: [walletId], deleteWithoutExport: true });
  const { importBundle } = await me.initImportWallet({ userId });
  await assert.rejects(encryptWalletToBundle({ mnemonic: phrase, importBundle, ...signer, userId: "another" }));
});
