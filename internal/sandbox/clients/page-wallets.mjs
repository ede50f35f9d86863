// The wallets of a person's browser, as extensions announce them: one of Ethereum (EIP-6963, EIP-1193) and one of Solana
// (Wallet Standard). They ask nobody.
import { ed25519 } from "@noble/curves/ed25519";
import { bs58 } from "@turnkey/encoding";
import { hexToString, isHex } from "viem";
import { privateKeyToAccount } from "viem/accounts";

/** Announces an Ethereum wallet of the key whenever a page asks, and returns its address. */
export function ethereum(privateKey) {
  const account = privateKeyToAccount(privateKey);
  const calls = {
    eth_requestAccounts: () => [account.address],
    eth_accounts: () => [account.address],
    eth_chainId: () => "0x1",
    personal_sign: ([text]) => account.signMessage({ message: isHex(text) ? hexToString(text) : text }),
  };
  const provider = { request: async ({ method, params }) => calls[method](params) };
  const detail = Object.freeze({ info: { uuid: crypto.randomUUID(), name: "Test Ether", icon: "data:,", rdns: "org.example.ether" }, provider });
  addEventListener("eip6963:requestProvider", () => dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail })));
  return account.address;
}

/** Registers a Solana wallet of the seed, and returns its address. */
export function solana(seed) {
  const publicKey = ed25519.getPublicKey(seed);
  const account = { address: bs58.encode(publicKey), publicKey, chains: ["solana:mainnet"], features: ["solana:signMessage"] };
  const wallet = {
    version: "1.0.0", name: "Test Sol", icon: "data:image/svg+xml,", chains: ["solana:mainnet"], accounts: [],
    features: {
      "standard:connect": { version: "1.0.0", connect: async () => ((wallet.accounts = [account]), { accounts: wallet.accounts }) },
      "solana:signMessage": { version: "1.0.0", signMessage: async ({ message }) => [{ signedMessage: message, signature: ed25519.sign(message, seed) }] },
    },
  };
  const register = ({ register }) => register(wallet);
  dispatchEvent(new CustomEvent("wallet-standard:register-wallet", { detail: register }));
  addEventListener("wallet-standard:app-ready", (event) => register(event.detail));
  return account.address;
}
