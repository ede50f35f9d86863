// A page with @turnkey/core started, and what tests of every group ask of it.
import assert from "node:assert/strict";
import { verifySessionJwtSignature } from "@turnkey/crypto";
import { apiBaseUrl, env, parentId } from "./turnkey.mjs";

/** Opens a page of the browser and starts the client in it, before its person did anything. */
export async function corePage(browser, kind) {
  const page = await browser.page(kind);
  await page.run((config) => turnkey.start(config), {
    organizationId: parentId,
    apiBaseUrl,
    authProxyUrl: env.AUTH_PROXY_URL,
    authProxyConfigId: env.AUTH_PROXY_CONFIG_ID,
    passkeyConfig: {},
    walletConfig: { features: { auth: true, connecting: true }, chains: { ethereum: { native: true }, solana: { native: true } } },
  });
  return page;
}

/** Asserts that the page's session is signed, current and works. Returns it with its user. */
export async function session(page) {
  const { session, user } = await page.run(async () => ({ session: await client.getSession(), user: await client.fetchUser() }));
  assert.equal(await verifySessionJwtSignature(session.token, env.LATCHKEY_NOTARIZER_PUBLIC_KEY), true);
  assert.equal(user.userId, session.userId);
  assert.ok(user.apiKeys.some((key) => key.credential.publicKey === session.publicKey), "the session key is not the user's");
  assert.notEqual(session.organizationId, parentId);
  return { ...session, user };
}

/** Signs a new person up with a key that the page makes, and logs in: for flows that begin with a session. */
export const signUp = (page) =>
  page.run(async () => {
    const publicKey = await client.createApiKeyPair();
    const apiKeys = [{ apiKeyName: "first", publicKey, curveType: "API_KEY_CURVE_P256", expirationSeconds: "60" }];
    const { organizationId } = await client.httpClient.proxySignupV2({ userName: "Page", apiKeys, authenticators: [], oauthProviders: [] });
    await client.overrideApiKeyStamper({ temporaryPublicKey: publicKey });
    const { session } = await client.httpClient.stampLogin({ organizationId, publicKey: await client.createApiKeyPair(), expirationSeconds: "900" });
    await client.overrideApiKeyStamper({ temporaryPublicKey: "" });
    await client.storeSession({ sessionToken: session });
  });
