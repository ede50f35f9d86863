// A page with @turnkey/core started, and what tests of every group ask of it.
import assert from "node:assert/strict";
import { verifySessionJwtSignature } from "@turnkey/crypto";
import { apiBaseUrl, env, parentId } from "./turnkey.mjs";

/** Opens a page of the browser and starts the client in it, before its person did anything. */
export async function corePage(browser, kind) {
  const page = await browser.page(kind);
  await page.evaluate((config) => turnkey.start(config), {
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
  const { session, user } = await page.evaluate(async () => ({ session: await client.getSession(), user: await client.fetchUser() }));
  assert.equal(await verifySessionJwtSignature(session.token, env.LATCHKEY_NOTARIZER_PUBLIC_KEY), true);
  assert.equal(user.userId, session.userId);
  assert.ok(user.apiKeys.some((key) => key.credential.publicKey === session.publicKey), "the session key is not the user's");
  assert.notEqual(session.organizationId, parentId);
  return { ...session, user };
}

/** Asserts that a call in the page fails, and that its cause has these words. */
export async function refusedInPage(page, call, argument, ...words) {
  const told = await page.evaluate(
    async ([source, argument]) => {
      try {
        await (0, eval)(`(${source})`)(argument);
      } catch (error) {
        const chain = [];
        for (let e = error; e; e = e.cause) chain.push(`${e.code ?? ""} ${e.message}`);
        return chain.join(" | ");
      }
    },
    [call.toString(), argument],
  );
  assert.ok(told, `not refused; expected: ${words.join(", ")}`);
  for (const word of words) assert.ok(told.includes(word), `expected "${word}" in: ${told}`);
}
