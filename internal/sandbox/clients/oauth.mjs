// @turnkey/sdk-server with every identity provider: sign-up and log-in by an id token that is bound to a key.
import assert from "node:assert/strict";
import { verifySessionJwtSignature } from "@turnkey/crypto";
import { begin, clientId, consent, providers, uploadSecrets } from "./providers.mjs";
import { flow, refused, step } from "./steps.mjs";
import { client, clientName, env, newKey, parent } from "./turnkey.mjs";

const app = parent();
const redirectUri = "http://127.0.0.1:8765/callback";
const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());

const credentials = await flow(clientName, "OAuth 2.0 client secrets, sealed by @turnkey/crypto", async () => {
  const ids = await uploadSecrets();
  const { oauth2Credentials } = await app.listOauth2Credentials({});
  assert.deepEqual(new Set(oauth2Credentials.map((one) => one.oauth2CredentialId)), new Set(Object.values(ids)));
  for (const one of oauth2Credentials) assert.equal(one.clientId, clientId);
  return ids;
});

/** The id token of a person for a key, however the provider gives it. */
async function identity(name, email, publicKey) {
  const attempt = begin(name, { publicKey, redirectUri });
  const { oidcToken, provider, clientId: _, ...exchange } = await attempt.finish(await consent(attempt.url, email));
  if (oidcToken) return oidcToken;
  return (await app.oauth2Authenticate({ ...exchange, oauth2CredentialId: credentials[provider] })).oidcToken;
}

for (const name of Object.keys(providers)) {
  const email = `${name.split(" ")[0].toLowerCase()}@example.com`;
  const account = await flow(clientName, `OAuth by ${name}: sign-up`, async () => {
    const key = newKey();
    const oidcToken = await identity(name, email, key.publicKey);
    assert.deepEqual((await app.getSubOrgIds({ filterType: "OIDC_TOKEN", filterValue: oidcToken })).organizationIds, []);
    const made = await app.createSubOrganization({
      subOrganizationName: name, rootQuorumThreshold: 1,
      rootUsers: [{ userName: name, apiKeys: [], authenticators: [], oauthProviders: [{ providerName: name, oidcToken }] }],
    });
    return made.subOrganizationId;
  });
  await flow(clientName, `OAuth by ${name}: log-in`, async () => {
    const key = newKey();
    const oidcToken = await identity(name, email, key.publicKey);
    assert.deepEqual((await app.getSubOrgIds({ filterType: "OIDC_TOKEN", filterValue: oidcToken })).organizationIds, [account]);
    const { session } = await app.oauthLogin({ organizationId: account, oidcToken, publicKey: key.publicKey, expirationSeconds: "900" });
    assert.equal(await verifySessionJwtSignature(session, env.LATCHKEY_NOTARIZER_PUBLIC_KEY), true);
    const me = client(account, key);
    const { userId } = await me.getWhoami();
    const { oauthProviders } = await me.getOauthProviders({ userId });
    const { iss, aud, sub } = claims(oidcToken);
    assert.deepEqual(oauthProviders.map((one) => [one.providerName, one.issuer, one.audience, one.subject]), [[name, iss, aud, sub]]);
  });
}

await step("a token for another key, of another person, or of nobody known is refused", async () => {
  const key = newKey();
  const oidcToken = await identity("Google", "google@example.com", key.publicKey);
  const { organizationIds } = await app.getSubOrgIds({ filterType: "OIDC_TOKEN", filterValue: oidcToken });
  const login = (more) => app.oauthLogin({ organizationId: organizationIds[0], oidcToken, publicKey: key.publicKey, ...more });
  await refused(login({ publicKey: newKey().publicKey }));
  await refused(login({ oidcToken: await identity("Google", "eve@example.com", key.publicKey) }));
  await refused(login({ oidcToken: oidcToken.slice(0, -8) + "AAAAAAAA" }), "INVALID_OIDC_TOKEN");
});
