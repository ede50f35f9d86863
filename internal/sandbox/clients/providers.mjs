// Log-in at the sandbox's identity providers, with the parameters that Turnkey's web kit sends to each.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { encryptOauth2ClientSecret } from "@turnkey/crypto";
import { env, parent } from "./turnkey.mjs";

/** clientId stands for the application at every provider. */
export const clientId = "example-app";

export const providers = {
  Google: { path: "oidc/google", query: { response_type: "id_token", scope: "openid email profile" } },
  Apple: { path: "oidc/apple", query: { response_type: "code id_token", response_mode: "fragment" } },
  Facebook: { path: "oidc/facebook", query: { response_type: "code", scope: "openid" }, pkce: true },
  "any OIDC provider": { path: "oidc/sandbox", query: { response_type: "id_token", scope: "openid email" } },
  Discord: { path: "oauth2/discord", query: { response_type: "code", scope: "identify email" }, pkce: true, oauth2: "OAUTH2_PROVIDER_DISCORD" },
  X: { path: "oauth2/x", query: { response_type: "code", scope: "tweet.read users.read" }, pkce: true, oauth2: "OAUTH2_PROVIDER_X" },
};

/**
 * Begins a log-in that is to end in a token for publicKey. url is where the browser goes; finish takes where it came back,
 * and returns the id token, or what oauth2_authenticate wants.
 */
export function begin(name, { publicKey, redirectUri }) {
  const { path, query, pkce, oauth2 } = providers[name];
  const nonce = createHash("sha256").update(publicKey).digest("hex");
  const state = randomBytes(16).toString("hex");
  const codeVerifier = randomBytes(32).toString("base64url");
  const challenge = createHash("sha256").update(codeVerifier).digest("base64url");
  const url = new URL(`${env.PROVIDERS_URL}/${path}/authorize`);
  url.search = new URLSearchParams({
    client_id: clientId, redirect_uri: redirectUri, state, ...query,
    ...(oauth2 ? {} : { nonce }), ...(pkce ? { code_challenge: challenge, code_challenge_method: "S256" } : {}),
  });
  return {
    url: url.href,
    async finish(landed) {
      const { searchParams, hash } = new URL(landed);
      const answer = new URLSearchParams(hash ? hash.slice(1) : searchParams);
      assert.equal(answer.get("state"), state, landed);
      if (answer.has("id_token")) return { oidcToken: answer.get("id_token") };
      const authCode = answer.get("code");
      assert.ok(authCode, landed);
      if (oauth2) return { provider: oauth2, authCode, redirectUri, codeVerifier, nonce, clientId };
      const form = { grant_type: "authorization_code", client_id: clientId, code: authCode, redirect_uri: redirectUri, code_verifier: codeVerifier };
      const response = await fetch(`${env.PROVIDERS_URL}/${path}/token`, { method: "POST", body: new URLSearchParams(form) });
      const { id_token } = await response.json();
      assert.ok(id_token, `${name} gave no id token: ${response.status}`);
      return { oidcToken: id_token };
    },
  };
}

/** What a person does at the provider, without a browser: the page's form, with an address typed in. Returns where it led. */
export async function consent(url, email) {
  const page = await fetch(url);
  assert.equal(page.status, 200, `${url}: ${page.status}`);
  const [form, ...hidden] = (await page.text()).match(/<form [^>]*>|<input type="hidden"[^>]*>/g);
  const text = (tag, name) => tag.match(`${name}="([^"]*)"`)[1].replaceAll("&#43;", "+").replaceAll("&amp;", "&");
  const body = new URLSearchParams(hidden.map((tag) => [text(tag, "name"), text(tag, "value")]));
  body.set("email", email);
  const sent = await fetch(new URL(text(form, "action"), url), { method: "POST", body, redirect: "manual" });
  assert.equal(sent.status, 303);
  return sent.headers.get("Location");
}

/** Gives the parent its client secrets for the providers that want one. */
export async function uploadSecrets() {
  const encryptedClientSecret = await encryptOauth2ClientSecret("the application's secret", env.LATCHKEY_TLS_FETCHER_ENCRYPTION_PUBLIC_KEY);
  const ids = {};
  for (const { oauth2 } of Object.values(providers)) {
    if (oauth2) ids[oauth2] = (await parent().createOauth2Credential({ provider: oauth2, clientId, encryptedClientSecret })).oauth2CredentialId;
  }
  return ids;
}
