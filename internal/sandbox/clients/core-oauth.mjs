// @turnkey/core with every identity provider. The person logs in on the provider's page, in the same browser.
import assert from "node:assert/strict";
import { corePage, session } from "./core-page.mjs";
import { begin, providers, uploadSecrets } from "./providers.mjs";
import { flow, named } from "./steps.mjs";

export async function oauth(browser) {
  const client = named("@turnkey/core", "in Chromium");
  const page = await corePage(browser, "unmodified");
  await uploadSecrets();

  /** Logs in at the provider: the id token of a person for a key. */
  async function identity(name, email, publicKey) {
    const attempt = begin(name, { publicKey, redirectUri: `${browser.url}/callback` });
    const found = await attempt.finish(await page.visit(attempt.url, email));
    return found.oidcToken ?? (await page.run((body) => client.httpClient.proxyOAuth2Authenticate(body), found)).oidcToken;
  }
  async function complete(name, email) {
    const publicKey = await page.run(() => client.createApiKeyPair());
    const oidcToken = await identity(name, email, publicKey);
    return page.run((answer) => client.completeOauth(answer), { oidcToken, publicKey, providerName: name });
  }

  for (const name of Object.keys(providers)) {
    const email = `core-${name.split(" ")[0].toLowerCase()}@example.com`;
    const account = await flow(client, `OAuth by ${name}: sign-up`, async () => {
      assert.equal((await complete(name, email)).action, "SIGNUP");
      const { organizationId, user } = await session(page);
      assert.deepEqual(user.oauthProviders.map((one) => one.providerName), [name]);
      return organizationId;
    });
    await flow(client, `OAuth by ${name}: log-in`, async () => {
      await page.run(() => client.logout());
      assert.equal((await complete(name, email)).action, "LOGIN");
      assert.equal((await session(page)).organizationId, account);
    });
  }
  await flow(client, "OAuth: link another provider and unlink it, and log in by oauth_login meanwhile", async () => {
    const before = await session(page);
    const [providerId] = await page.run((one) => client.addOauthProvider(one), { providerName: "Second", oidcToken: await identity("Apple", "second@example.com", before.publicKey) });
    const publicKey = await page.run(() => client.createApiKeyPair());
    const oidcToken = await identity("Apple", "second@example.com", publicKey);
    await page.run(async (body) => client.storeSession({ sessionToken: (await client.httpClient.proxyOAuthLogin(body)).session }), { oidcToken, publicKey });
    const { organizationId, user } = await session(page);
    assert.equal(organizationId, before.organizationId);
    assert.equal(user.oauthProviders.length, 2);
    await page.run((providerIds) => client.removeOauthProviders({ providerIds }), [providerId]);
    assert.equal((await session(page)).user.oauthProviders.length, 1);
  });
  await page.close();
}
