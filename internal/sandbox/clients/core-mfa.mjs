// More than one factor: what an MFA policy guards waits until the client has approved with each of them.
import assert from "node:assert/strict";
import { corePage, session } from "./core-page.mjs";
import { code, flow, named } from "./steps.mjs";

export async function mfa(browser) {
  const name = named("@turnkey/core", "in Chromium, pins swapped");
  const page = await corePage(browser, "swapped");
  await page.run(() => client.signUpWithPasskey({ passkeyDisplayName: "Laptop" }));
  const { userId } = await session(page);
  const to = { otpType: "OTP_TYPE_EMAIL", contact: "mfa@example.com" };
  const prove = async () => page.run((answer) => client.verifyOtp(answer), { ...(await page.run((to) => client.initOtp(to), to)), otpCode: await code(to.contact) });
  await page.run((change) => client.updateUserEmail(change), { email: to.contact, verificationToken: (await prove()).verificationToken });
  const walletId = await page.run(() => client.createWallet({ walletName: "Guarded", accounts: ["ADDRESS_FORMAT_ETHEREUM"] }));

  await flow(name, "MFA: an export waits for a passkey and a code by e-mail", async () => {
    const mfaPolicyId = await page.run(async (userId) => {
      const methods = [{ any: [{ type: "AUTHENTICATION_TYPE_PASSKEY" }] }, { any: [{ type: "AUTHENTICATION_TYPE_EMAIL_OTP" }, { type: "AUTHENTICATION_TYPE_SMS_OTP" }] }];
      const policy = { userId, mfaPolicyName: "Exports", condition: "activity.action == 'EXPORT'", requiredAuthenticationMethods: methods, order: 0 };
      return (await client.httpClient.createMfaPolicy(policy)).mfaPolicyId;
    }, userId);
    const proof = await prove();
    const [seen, bundle] = await page.run(
      async ({ proof, walletId }) => {
        let seen;
        globalThis.moreFactors = async (context) => {
          seen = context;
          await client.httpClient.approveActivity({ fingerprint: context.fingerprint }, "passkey");
          await client.overrideAttestedStamper(proof);
          await client.httpClient.approveActivity({ fingerprint: context.fingerprint }, "attested");
        };
        const bundle = await client.exportWallet({ walletId, targetPublicKey: turnkey.crypto.generateP256KeyPair().publicKeyUncompressed });
        return [seen, bundle];
      },
      { proof, walletId },
    );
    assert.equal(seen.activityStatus, "ACTIVITY_STATUS_AUTHENTICATORS_NEEDED");
    assert.equal(seen.mfaStatuses.length, 1);
    assert.ok(JSON.parse(bundle).data);
    const { policies, user } = await page.run(
      async ({ userId, mfaPolicyId }) => {
        const asked = { userId, mfaPolicyId };
        await client.httpClient.updateMfaPolicy({ ...asked, mfaPolicyName: "Ways out" });
        const policies = [(await client.httpClient.getMfaPolicy(asked)).mfaPolicy, ...(await client.httpClient.getMfaPolicies({ userId })).mfaPolicies];
        await client.httpClient.deleteMfaPolicy(asked);
        return { policies, user: await client.fetchUser() };
      },
      { userId, mfaPolicyId },
    );
    assert.deepEqual(policies.map((policy) => policy.mfaPolicyName), ["Ways out", "Ways out"]);
    assert.deepEqual(user.mfaPolicies, []);
  });
  await page.close();
}
