// @turnkey/core with every identity provider. The person logs in on the provider's page, in the same browser.
import assert from "node:assert/strict";
import { corePage, session } from "./core-page.mjs";
import { begin, providers } from "./providers.mjs";
import { flow, named } from "./steps.mjs";

export async function oauth(browser) {
  const client = named("@turnkey/core", "in Chromium");
  const page = await corePage(browser, "unmodified");

  /** Logs in at the provider, then tells the client. */
  async function complete(name, email) {
    const publicKey = await page.run(() => client.createApiKeyPair());
    const attempt = begin(name, { publicKey, redirectUri: `${browser.url}/callback` });
    const oidcToken = await attempt.finish(await page.visit(attempt.url, email));
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
  await page.close();
}
