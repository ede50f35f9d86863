// One-time codes sealed by @turnkey/crypto, by e-mail and by SMS, sign-up and log-in.
import assert from "node:assert/strict";
import { encryptOtpCodeToBundle, verifySessionJwtSignature } from "@turnkey/crypto";
import { code, flow, refused } from "./steps.mjs";
import { apiKey, client, clientName as name, env, loginSignature, newKey, parent, signupSignature } from "./turnkey.mjs";

const app = parent();
const kinds = { "e-mail": ["OTP_TYPE_EMAIL", "codes@example.com", "EMAIL"], SMS: ["OTP_TYPE_SMS", "+12025550161", "PHONE_NUMBER"] };

for (const [kind, [otpType, contact, filterType]] of Object.entries(kinds)) {
  const prove = async (key) => {
    const { otpId, otpEncryptionTargetBundle } = await app.initOtp({ otpType, contact, appName: "Example", otpLength: 6, alphanumeric: false });
    const encryptedOtpBundle = await encryptOtpCodeToBundle(await code(contact), otpEncryptionTargetBundle, key.publicKey, env.LATCHKEY_TLS_FETCHER_PUBLIC_KEY);
    return (await app.verifyOtp({ otpId, encryptedOtpBundle })).verificationToken;
  };
  const find = async () => (await app.getVerifiedSubOrgIds({ filterType, filterValue: contact })).organizationIds;

  const account = await flow(name, `OTP by ${kind}, encrypted: sign-up`, async () => {
    const key = newKey();
    const verificationToken = await prove(key);
    assert.deepEqual(await find(), []);
    const whose = kind === "SMS" ? { userPhoneNumber: contact } : { userEmail: contact };
    const signed = { ...(kind === "SMS" ? { phoneNumber: contact } : { email: contact }), apiKeys: [apiKey(key)] };
    const made = await app.createSubOrganization({
      subOrganizationName: kind, rootQuorumThreshold: 1, rootUsers: [{ userName: kind, ...whose, apiKeys: signed.apiKeys, authenticators: [], oauthProviders: [] }],
      verificationToken, clientSignature: await signupSignature(key, verificationToken, signed),
    });
    assert.deepEqual(await find(), [made.subOrganizationId]);
    return made.subOrganizationId;
  });
  await flow(name, `OTP by ${kind}, encrypted: log-in`, async () => {
    const [key, session] = [newKey(), newKey()];
    const verificationToken = await prove(key);
    const login = async (by) => app.otpLogin({ organizationId: account, verificationToken, publicKey: session.publicKey, clientSignature: await loginSignature(by, verificationToken, session.publicKey) });
    await refused(login(newKey()));
    assert.equal(await verifySessionJwtSignature((await login(key)).session, env.LATCHKEY_NOTARIZER_PUBLIC_KEY), true);
    assert.equal((await client(account, session).getWhoami()).username, kind);
  });
}
