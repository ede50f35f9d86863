// @turnkey/webauthn-stamper and @turnkey/http without @turnkey/core: a page registers a passkey, its backend makes the
// account, and the passkey stamps queries and activities.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { decryptCredentialBundle, generateP256KeyPair, getPublicKey } from "@turnkey/crypto";
import { uint8ArrayFromHexString, uint8ArrayToHexString } from "@turnkey/encoding";
import { flow, message, named, refused } from "./steps.mjs";
import { apiBaseUrl, apiKey, client, newKey, parent } from "./turnkey.mjs";

export async function webauthn(browser) {
  const name = named("@turnkey/webauthn-stamper", "in Chromium");
  const page = await browser.page("unmodified");

  /** Registers a passkey in a page: what an authenticator's making wants. */
  async function register(page, authenticatorName) {
    const challenge = randomBytes(32).toString("base64url");
    const attestation = await page.run(async (challenge) => {
      const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
      return turnkey.http.getWebAuthnAttestation({
        publicKey: {
          rp: { id: "localhost", name: "Example" }, challenge: bytes(challenge), pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -257 }],
          user: { id: crypto.getRandomValues(new Uint8Array(16)), name: "Grace", displayName: "Grace" }, authenticatorSelection: { residentKey: "required", requireResidentKey: true },
        },
      });
    }, challenge);
    return { authenticatorName, challenge, attestation };
  }

  const account = await flow(name, "register a passkey with getWebAuthnAttestation, and sign up with it", async () => {
    const made = await parent().createSubOrganization({
      subOrganizationName: "Grace's", rootQuorumThreshold: 1,
      rootUsers: [{ userName: "Grace", apiKeys: [], oauthProviders: [], authenticators: [await register(page, "Key")] }],
    });
    return made.subOrganizationId;
  });

  /** Calls @turnkey/http in a page, stamped by the passkey of its authenticator. */
  const call = (page, method, input) =>
    page.run(
      ({ baseUrl, method, input }) => new turnkey.http.TurnkeyClient({ baseUrl }, new turnkey.WebauthnStamper({ rpId: "localhost" }))[method](input),
      { baseUrl: apiBaseUrl, method, input },
    );

  await flow(name, "stamp a query, under the account's id and its parent's", async () => {
    for (const organizationId of [account, (await parent().getWhoami()).organizationId]) {
      assert.equal((await call(page, "getWhoami", { organizationId })).organizationId, account);
    }
  });
  await flow(name, "stamp an activity", async () => {
    const { activity } = await call(page, "createWallet", {
      type: "ACTIVITY_TYPE_CREATE_WALLET", organizationId: account, timestampMs: String(Date.now()),
      parameters: { walletName: "W", accounts: [{ curve: "CURVE_SECP256K1", pathFormat: "PATH_FORMAT_BIP32", path: "m/44'/60'/0'/0/0", addressFormat: "ADDRESS_FORMAT_ETHEREUM" }] },
    });
    assert.equal(activity.status, "ACTIVITY_STATUS_COMPLETED");
    assert.equal(activity.votes.length, 1);
    const { userId } = activity.votes[0];
    const [{ authenticatorId }] = (await call(page, "getAuthenticators", { organizationId: account, userId })).authenticators;
    assert.equal((await call(page, "getAuthenticator", { organizationId: account, authenticatorId })).authenticator.authenticatorName, "Key");
    await refused(call(page, "getWhoami", { organizationId: "00000000-0000-4000-8000-000000000000" }));
  });

  await flow(`${named("@turnkey/sdk-server")} with ${named("@turnkey/webauthn-stamper")}`, "recovery: the e-mail's key lets its owner register another passkey", async () => {
    const [email, target, first] = ["lost@example.com", generateP256KeyPair(), newKey()];
    const other = await browser.page("unmodified"); // whose authenticator holds no other passkey
    const made = await parent().createSubOrganization({
      subOrganizationName: "Lost", rootQuorumThreshold: 1, rootUsers: [{ userName: "Lost", userEmail: email, apiKeys: [apiKey(first)], authenticators: [], oauthProviders: [] }],
    });
    const organizationId = made.subOrganizationId;
    const { userId } = await parent().initUserEmailRecovery({ organizationId, email, targetPublicKey: target.publicKeyUncompressed, emailCustomization: { appName: "Example" } });
    const privateKey = decryptCredentialBundle((await message(email)).bundle, target.privateKey);
    const pair = { privateKey, publicKey: uint8ArrayToHexString(getPublicKey(uint8ArrayFromHexString(privateKey), true)) };
    const { authenticatorId } = await client(organizationId, pair).recoverUser({ userId, authenticator: await register(other, "New key") });
    assert.ok(authenticatorId.length > 0);
    assert.equal((await call(other, "getWhoami", { organizationId })).userId, userId);
    await other.close();
  });
  await page.close();
}
