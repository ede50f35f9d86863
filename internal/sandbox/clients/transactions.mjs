// sign_transaction: what viem and @solana/web3.js serialise is signed whole, and they find the signer in the result.
import assert from "node:assert/strict";
import { PublicKey, SystemProgram, Transaction, TransactionMessage, VersionedTransaction } from "@solana/web3.js";
import { ed25519 } from "@noble/curves/ed25519";
import * as sdk from "@turnkey/sdk-server";
import * as viem from "viem";
import { flow, refused } from "./steps.mjs";
import { apiKey, client, clientName as name, newKey, parent } from "./turnkey.mjs";

const key = newKey();
const { subOrganizationId } = await parent().createSubOrganization({
  subOrganizationName: "T", rootQuorumThreshold: 1, rootUsers: [{ userName: "T", apiKeys: [apiKey(key)], authenticators: [], oauthProviders: [] }],
});
const me = client(subOrganizationId, key);
const { addresses } = await me.createWallet({ walletName: "T", accounts: [sdk.defaultEthereumAccountAtIndex(0), sdk.defaultSolanaAccountAtIndex(0), sdk.defaultSolanaAccountAtIndex(1)] });
const [ethereum, solana, second] = addresses;
const sign = async (type, signWith, unsignedTransaction) => (await me.signTransaction({ type: `TRANSACTION_TYPE_${type}`, signWith, unsignedTransaction })).signedTransaction;

const to = "0x78839F6054d7ed13918bAe0473BA31b1Ca9D7265";
const authorization = { chainId: 1, address: to, nonce: 1, r: `0x${"1".repeat(64)}`, s: `0x${"2".repeat(64)}`, yParity: 0 };
const ethereums = {
  legacy: { type: "legacy", chainId: 1, nonce: 3, gas: 21000n, gasPrice: 20_000_000_000n, to, value: 10n ** 15n },
  "EIP-2930": { type: "eip2930", chainId: 11155111, nonce: 1, gas: 30000n, gasPrice: 20_000_000_000n, to, value: 1n, accessList: [{ address: to, storageKeys: [`0x${"0".repeat(64)}`] }] },
  "EIP-1559": { type: "eip1559", chainId: 1, nonce: 9, gas: 60000n, maxFeePerGas: 30_000_000_000n, maxPriorityFeePerGas: 10n ** 9n, to, data: "0xa9059cbb" },
  "EIP-7702": { type: "eip7702", chainId: 1, nonce: 9, gas: 60000n, maxFeePerGas: 30_000_000_000n, maxPriorityFeePerGas: 10n ** 9n, to, authorizationList: [authorization] },
};
for (const [kind, transaction] of Object.entries(ethereums)) {
  await flow(name, `sign_transaction, Ethereum ${kind}: viem recovers the signer`, async () => {
    const unsigned = viem.serializeTransaction(transaction);
    for (const text of [unsigned, unsigned.slice(2)]) {
      const serializedTransaction = `0x${await sign("ETHEREUM", ethereum, text)}`;
      assert.equal(await viem.recoverTransactionAddress({ serializedTransaction }), ethereum);
      const { r, s, v, yParity, ...rest } = viem.parseTransaction(serializedTransaction);
      assert.equal(viem.serializeTransaction(rest), unsigned);
    }
  });
}

const recentBlockhash = "4uQeVj5tqViQh7yWWGStvkEG1Zmhx6uasJtWCJziofM";
const transfer = SystemProgram.transfer({ fromPubkey: new PublicKey(solana), toPubkey: new PublicKey(second), lamports: 5000 });
await flow(name, "sign_transaction, Solana legacy: @solana/web3.js verifies it", async () => {
  const transaction = new Transaction({ recentBlockhash, feePayer: new PublicKey(solana) }).add(transfer);
  const unsigned = transaction.serialize({ requireAllSignatures: false, verifySignatures: false });
  const signed = Transaction.from(Buffer.from(await sign("SOLANA", solana, unsigned.toString("hex")), "hex"));
  assert.equal(signed.verifySignatures(true), true);
  assert.deepEqual(signed.serializeMessage(), transaction.serializeMessage());
});
await flow(name, "sign_transaction, Solana v0 with two signers, one after the other", async () => {
  const both = [transfer, SystemProgram.transfer({ fromPubkey: new PublicKey(second), toPubkey: new PublicKey(solana), lamports: 1 })];
  const message = new TransactionMessage({ payerKey: new PublicKey(solana), recentBlockhash, instructions: both }).compileToV0Message();
  let text = Buffer.from(new VersionedTransaction(message).serialize()).toString("hex");
  for (const by of [second, solana]) text = await sign("SOLANA", by, text);
  const signed = VersionedTransaction.deserialize(Buffer.from(text, "hex"));
  for (const [i, by] of [solana, second].entries()) {
    assert.ok(ed25519.verify(signed.signatures[i], message.serialize(), new PublicKey(by).toBytes()), by);
  }
});
await flow(name, "sign_transaction: what is no transaction, or not one's own, is refused", async () => {
  await refused(sign("ETHEREUM", ethereum, "00"));
  await refused(sign("SOLANA", ethereum, "00"));
  const strangers = new Transaction({ recentBlockhash, feePayer: new PublicKey(second) }).add(SystemProgram.transfer({ fromPubkey: new PublicKey(second), toPubkey: new PublicKey(second), lamports: 1 }));
  await refused(sign("SOLANA", solana, strangers.serialize({ requireAllSignatures: false, verifySignatures: false }).toString("hex")));
});
