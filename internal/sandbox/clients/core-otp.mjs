// Codes by e-mail and by SMS: sealed, as @turnkey/core sends them, and in clear, by its calls of the older routes.
import assert from "node:assert/strict";
import { corePage, session } from "./core-page.mjs";
import { code, flow, named, refused, step } from "./steps.mjs";
import { env, parentId } from "./turnkey.mjs";

const kinds = { "e-mail": { otpType: "OTP_TYPE_EMAIL", contact: "core@example.com" }, SMS: { otpType: "OTP_TYPE_SMS", contact: "+12025550123" } };

const begin = (page, to) => page.run((to) => client.initOtp(to), to);
const complete = (page, to) => page.run((to) => client.completeOtp(to), to);

export async function otp(browser) {
  const client = named("@turnkey/core", "in Chromium, pins swapped");
  for (const [kind, to] of Object.entries(kinds)) {
    const page = await corePage(browser, "swapped");
    const organization = await flow(client, `OTP by ${kind}, encrypted: sign-up`, async () => {
      const result = await complete(page, { ...(await begin(page, to)), ...to, otpCode: await code(to.contact) });
      assert.equal(result.action, "SIGNUP");
      const { organizationId, user } = await session(page);
      assert.equal(to.otpType === "OTP_TYPE_SMS" ? user.userPhoneNumber : user.userEmail, to.contact);
      return organizationId;
    });
    await flow(client, `OTP by ${kind}, encrypted: log-in`, async () => {
      const other = await corePage(browser, "swapped");
      const result = await complete(other, { ...(await begin(other, to)), ...to, otpCode: await code(to.contact), invalidateExisting: true });
      assert.equal(result.action, "LOGIN");
      assert.equal((await session(other)).organizationId, organization);
      await refused(page.run(() => client.fetchUser()), "could not find public key in organization or its parent organization");
      await other.close();
    });
    await page.close();
  }

  const page = await corePage(browser, "swapped");
  await flow(client, "OTP by e-mail, encrypted: log-in by otp_login_v2, to a session of another key", async () => {
    const to = kinds["e-mail"];
    const { verificationToken } = await page.run((answer) => client.verifyOtp(answer), { ...(await begin(page, to)), otpCode: await code(to.contact) });
    await page.run(async (verificationToken) => {
      const sessionPublicKey = await client.createApiKeyPair();
      const { message, publicKey } = turnkey.core.getClientSignatureMessageForLogin({ verificationToken, sessionPublicKey });
      const clientSignature = { message, publicKey, scheme: "CLIENT_SIGNATURE_SCHEME_API_P256", signature: await client.signWithApiKey({ message, publicKey }) };
      const { session } = await client.httpClient.proxyOtpLoginV2({ verificationToken, publicKey: sessionPublicKey, clientSignature });
      await client.storeSession({ sessionToken: session });
    }, verificationToken);
    assert.equal((await session(page)).user.userEmail, to.contact);
  });
  await flow(client, "the auth proxy's configuration", async () => {
    const [config, helper, parameters] = await page.run(
      async ([url, id]) => [await client.getProxyAuthConfig(), await turnkey.core.getAuthProxyConfig(id, url), await turnkey.core.getClientParams(id, url)],
      [env.AUTH_PROXY_URL, env.AUTH_PROXY_CONFIG_ID],
    );
    assert.deepEqual(config, helper);
    assert.equal(config.organizationId, parentId);
    assert.deepEqual(parameters, {});
  });
  await step("a wrong code is told in the words that @turnkey/core knows", async () => {
    const to = { otpType: "OTP_TYPE_EMAIL", contact: "core-wrong@example.com" };
    const begun = await begin(page, to);
    const digits = await code(to.contact);
    await refused(page.run((to) => client.completeOtp(to), { ...begun, ...to, otpCode: digits === "000000" ? "000001" : "000000" }), "INVALID_OTP_CODE");
  });
  await page.close();
}

export async function plainOtp(browser) {
  const client = named("@turnkey/core", "in Chromium");
  for (const [kind, { otpType, contact }] of Object.entries(kinds)) {
    const to = { otpType, contact: contact.replace("core", "core-plain").replace("0123", "0124") };
    const page = await corePage(browser, "unmodified");
    const prove = async () => {
      const { otpId } = await page.run((to) => client.httpClient.proxyInitOtp(to), to);
      return page.run((proof) => client.httpClient.proxyVerifyOtp(proof), { otpId, otpCode: await code(to.contact) });
    };
    await flow(client, `OTP by ${kind}, plain code: sign-up and log-in`, async () => {
      const proof = await prove();
      const contact = to.otpType === "OTP_TYPE_SMS" ? { userPhoneNumber: to.contact } : { userEmail: to.contact };
      const made = await page.run((body) => client.httpClient.proxySignup(body), { ...proof, ...contact, userName: "Plain", apiKeys: [], authenticators: [], oauthProviders: [] });
      await page.run(async (proof) => {
        const publicKey = await client.createApiKeyPair();
        const { session } = await client.httpClient.proxyOtpLogin({ ...proof, publicKey });
        await client.storeSession({ sessionToken: session });
      }, proof);
      assert.equal((await session(page)).organizationId, made.organizationId);
    });
    await page.close();
  }

  const page = await corePage(browser, "unmodified");
  await step("without the swap the bundle of an encrypted code is not trusted", async () => {
    const to = { otpType: "OTP_TYPE_EMAIL", contact: "core-pinned@example.com" };
    const begun = await begin(page, to);
    await refused(page.run((to) => client.completeOtp(to), { ...begun, ...to, otpCode: await code(to.contact) }), "VERIFY_OTP_ERROR", "expected signer key");
  });
  await page.close();
}
