// What an application does around Turnkey's packages: a client for a key, the client signatures of the OTP flow as
// @turnkey/core words them, and checks of what was signed.
import assert from "node:assert/strict";
import { Turnkey } from "@turnkey/sdk-server";
import { ApiKeyStamper, SignatureFormat } from "@turnkey/api-key-stamper";
import { generateP256KeyPair } from "@turnkey/crypto";
import { secp256k1, schnorr } from "@noble/curves/secp256k1";
import { ed25519 } from "@noble/curves/ed25519";
import { p256 } from "@noble/curves/p256";
import { keccak_256 } from "@noble/hashes/sha3";
import { sha256 } from "@noble/hashes/sha256";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils";

import { overHTTP } from "./over-http.mjs";
import { named } from "./steps.mjs";

export const env = process.env;
export const apiBaseUrl = env.TURNKEY_API_URL;
export const parentId = env.TURNKEY_ORGANIZATION_ID;

/** Which of Turnkey's clients a script runs with, where it can run with either. */
const http = env.CLIENT === "@turnkey/http";
export const clientName = named(http ? "@turnkey/http" : "@turnkey/sdk-server");

/** A client of an organization that stamps with a key pair. */
export function client(organizationId, pair, SDK) {
  if (http && !SDK) return overHTTP(apiBaseUrl, organizationId, pair);
  return new (SDK ?? Turnkey)({
    apiBaseUrl,
    apiPublicKey: pair.publicKey,
    apiPrivateKey: pair.privateKey,
    defaultOrganizationId: organizationId,
    activityPoller: { intervalMs: 50, numRetries: 20 },
  }).apiClient();
}

/** The parent's client, as the environment file describes it. */
export const parent = (SDK) => client(parentId, { publicKey: env.TURNKEY_API_PUBLIC_KEY, privateKey: env.TURNKEY_API_PRIVATE_KEY }, SDK);

export const newKey = () => {
  const { publicKey, privateKey } = generateP256KeyPair();
  return { publicKey, privateKey };
};

export const apiKey = (pair, expirationSeconds) => ({
  apiKeyName: `key ${pair.publicKey.slice(0, 10)}`,
  publicKey: pair.publicKey,
  curveType: "API_KEY_CURVE_P256",
  ...(expirationSeconds ? { expirationSeconds } : {}),
});

async function clientSignature(pair, message) {
  const stamper = new ApiKeyStamper({ apiPublicKey: pair.publicKey, apiPrivateKey: pair.privateKey });
  return {
    publicKey: pair.publicKey,
    scheme: "CLIENT_SIGNATURE_SCHEME_API_P256",
    message,
    signature: await stamper.sign(message, SignatureFormat.Raw),
  };
}

const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());

/** Signs for a log-in with a verification token: publicKey becomes the session's. */
export const loginSignature = (pair, token, publicKey) =>
  clientSignature(pair, JSON.stringify({ login: { publicKey }, tokenId: claims(token).id, type: "USAGE_TYPE_LOGIN" }));

/** Signs for a sign-up with a verification token. */
export const signupSignature = (pair, token, { email, phoneNumber, apiKeys = [], authenticators = [], oauthProviders = [] }) =>
  clientSignature(pair, JSON.stringify({ signupV2: { apiKeys, authenticators, oauthProviders, email, phoneNumber }, tokenId: claims(token).id, type: "USAGE_TYPE_SIGNUP" }));

/** Asserts that r, s and v are a signature by the account over the message's hash, in the account's own scheme. */
export function assertSigned(account, message, hash, { r, s, v }) {
  assert.match(r + s, /^[0-9a-f]{128}$/);
  const raw = hexToBytes(r + s);
  const bytes = typeof message === "string" ? utf8ToBytes(message) : message;
  if (account.curve === "CURVE_ED25519") {
    assert.equal(v, "00");
    assert.ok(ed25519.verify(raw, bytes, account.publicKey), "ed25519");
    return;
  }
  const digest = { HASH_FUNCTION_NO_OP: (b) => b, HASH_FUNCTION_SHA256: sha256, HASH_FUNCTION_KECCAK256: keccak_256 }[hash](bytes);
  if (account.addressFormat.endsWith("_P2TR")) {
    assert.equal(v, "00");
    const { taggedHash, lift_x } = schnorr.utils;
    const internal = hexToBytes(account.publicKey).slice(1);
    const tweak = BigInt("0x" + bytesToHex(taggedHash("TapTweak", internal)));
    const output = lift_x(BigInt("0x" + bytesToHex(internal))).add(secp256k1.ProjectivePoint.BASE.multiply(tweak));
    assert.ok(schnorr.verify(raw, digest, output.toRawBytes(true).slice(1)), "schnorr");
    return;
  }
  if (account.curve === "CURVE_P256") {
    assert.ok(p256.verify(raw, digest, account.publicKey), "P-256");
    return;
  }
  const signature = secp256k1.Signature.fromCompact(raw);
  assert.ok(!signature.hasHighS(), "high S");
  const recovered = signature.addRecoveryBit(Number(v)).recoverPublicKey(digest);
  assert.equal(recovered.toHex(true), account.publicKey);
  if (account.addressFormat === "ADDRESS_FORMAT_ETHEREUM") {
    const address = "0x" + bytesToHex(keccak_256(recovered.toRawBytes(false).slice(1)).slice(12));
    assert.equal(account.address.toLowerCase(), address);
  }
}
