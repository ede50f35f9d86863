// Turnkey's crypto package reads what our Go packages make, and seals what they must open. Reads the artefacts from
// standard input, prints what must go back.
import assert from "node:assert/strict";
import {
  computeActivityFingerprint,
  decryptCredentialBundle,
  decryptExportBundle,
  encryptOtpCodeToBundle,
  encryptPrivateKeyToBundle,
  encryptWalletToBundle,
  verifyOtpVerificationToken,
  verifySessionJwtSignature,
  verifyStampSignature,
} from "@turnkey/crypto";
import { ApiKeyStamper } from "@turnkey/api-key-stamper";
import { flow, input, named } from "./steps.mjs";

const given = await input();
const name = named("@turnkey/crypto");
const back = {};

// An accepted artefact proves little unless a changed one is refused.
const changed = (token, part) => {
  const parts = token.split(".");
  parts[part] = parts[part].slice(0, 9) + (parts[part][9] === "A" ? "B" : "A") + parts[part].slice(10);
  return parts.join(".");
};

await flow(name, "the session token verifies under the notarizer's key", async () => {
  assert.equal(await verifySessionJwtSignature(given.session, given.notarizer), true);
});

await flow(name, "a changed session token and another key do not", async () => {
  for (const part of [0, 1, 2]) {
    assert.equal(await verifySessionJwtSignature(changed(given.session, part), given.notarizer), false);
  }
  assert.equal(await verifySessionJwtSignature(given.session, given.fetcher), false);
  assert.equal(await verifySessionJwtSignature(given.session), false, "under Turnkey's own production key");
});

await flow(name, "the verification token verifies and says what was put in", async () => {
  const claims = await verifyOtpVerificationToken(given.verification, given.fetcher);
  assert.deepEqual(
    { id: claims.id, type: claims.verification_type, contact: claims.contact, organization: claims.organization_id, key: claims.public_key },
    given.claims,
  );
});

await flow(name, "a changed or an expired verification token is refused", async () => {
  for (const part of [1, 2]) {
    await assert.rejects(verifyOtpVerificationToken(changed(given.verification, part), given.fetcher));
  }
  await assert.rejects(verifyOtpVerificationToken(given.verification, given.notarizer));
  await assert.rejects(verifyOtpVerificationToken(given.expired, given.fetcher), /expired/);
});

await flow(name, "our stamp verifies, over its body alone", async () => {
  const stamp = JSON.parse(Buffer.from(given.stamp, "base64url").toString());
  assert.deepEqual(Object.keys(stamp), ["publicKey", "scheme", "signature"]);
  assert.equal(stamp.scheme, "SIGNATURE_SCHEME_TK_API_P256");
  assert.equal(await verifyStampSignature(stamp.publicKey, stamp.signature, given.body), true);
  assert.equal(await verifyStampSignature(stamp.publicKey, stamp.signature, given.body + " "), false);
});

await flow(name, "both compute one fingerprint", () => {
  assert.equal(computeActivityFingerprint(given.body), given.fingerprint);
});

for (const runtimeOverride of ["node", "purejs"]) {
  back[runtimeOverride] = (
    await new ApiKeyStamper({ apiPublicKey: given.apiPublicKey, apiPrivateKey: given.apiPrivateKey, runtimeOverride }).stamp(given.body)
  ).stampHeaderValue;
}

await flow(name, "our OTP target is trusted under our key and not under theirs", async () => {
  back.otp = await encryptOtpCodeToBundle("  123456", given.otpTarget, given.apiPublicKey, given.fetcher);
  await assert.rejects(encryptOtpCodeToBundle("123456", given.otpTarget, given.apiPublicKey));
  await assert.rejects(encryptOtpCodeToBundle("123456", given.otpTarget, given.apiPublicKey, given.notarizer));
});

await flow(name, "our credential bundle opens", () => {
  assert.equal(decryptCredentialBundle(given.credential, given.targetPrivateKey), given.apiPrivateKey);
});

await flow(name, "our export bundles open: a phrase, a key, a Solana key", async () => {
  const open = { embeddedKey: given.targetPrivateKey, organizationId: given.organization, dangerouslyOverrideSignerPublicKey: given.signer };
  assert.equal(await decryptExportBundle({ ...open, exportBundle: given.exportedPhrase, returnMnemonic: true }), given.phrase);
  assert.equal(await decryptExportBundle({ ...open, exportBundle: given.exportedKey, returnMnemonic: false }), given.apiPrivateKey);
  const solana = await decryptExportBundle({ ...open, exportBundle: given.exportedKey, keyFormat: "SOLANA", returnMnemonic: false });
  assert.ok(solana.length >= 80);
  await assert.rejects(decryptExportBundle({ ...open, exportBundle: given.exportedPhrase, returnMnemonic: true, organizationId: "other" }));
  await assert.rejects(decryptExportBundle({ ...open, exportBundle: given.exportedPhrase, returnMnemonic: true, dangerouslyOverrideSignerPublicKey: given.fetcher }));
});

await flow(name, "our import target is trusted, for its organization and user alone", async () => {
  const to = { importBundle: given.importTarget, organizationId: given.organization, userId: given.user, dangerouslyOverrideSignerPublicKey: given.signer };
  back.importedPhrase = await encryptWalletToBundle({ ...to, mnemonic: given.phrase });
  back.importedKey = await encryptPrivateKeyToBundle({ ...to, privateKey: given.apiPrivateKey, keyFormat: "HEXADECIMAL" });
  await assert.rejects(encryptWalletToBundle({ ...to, mnemonic: given.phrase, userId: "other" }));
  await assert.rejects(encryptWalletToBundle({ ...to, mnemonic: given.phrase, organizationId: "other" }));
});

console.log(JSON.stringify(back));
