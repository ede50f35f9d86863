// @turnkey/wallet-stamper and @turnkey/api-key-stamper under @turnkey/http: external wallets of both chains as the
// credentials of a user, and API keys in each of the stamper's two runtimes.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { ed25519 } from "@noble/curves/ed25519";
import { ApiKeyStamper } from "@turnkey/api-key-stamper";
import { verifySessionJwtSignature } from "@turnkey/crypto";
import { TurnkeyClient } from "@turnkey/http";
import { WalletStamper, WalletType, getCompressedPublicKey } from "@turnkey/wallet-stamper";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { flow, named, refused } from "./steps.mjs";
import { apiBaseUrl, apiKey, client, env, newKey, parent, parentId } from "./turnkey.mjs";

const signUp = async (apiKeys) =>
  (await parent().createSubOrganization({ subOrganizationName: "S", rootQuorumThreshold: 1, rootUsers: [{ userName: "S", apiKeys, authenticators: [], oauthProviders: [] }] })).subOrganizationId;
const http = (stamper) => new TurnkeyClient({ baseUrl: apiBaseUrl }, stamper);
const activity = (type, organizationId, parameters) => ({ type: `ACTIVITY_TYPE_${type}`, organizationId, timestampMs: String(Date.now()), parameters });

/** A wallet of each chain as an application hands it to the stamper. */
const wallets = {
  "Ethereum (EIP-191)": () => {
    const account = privateKeyToAccount(generatePrivateKey());
    const signMessage = (message) => account.signMessage({ message });
    return { curveType: "API_KEY_CURVE_SECP256K1", type: WalletType.Ethereum, signMessage, getPublicKey: async () => getCompressedPublicKey(await signMessage("key"), "key") };
  },
  Solana: () => {
    const seed = randomBytes(32);
    return {
      curveType: "API_KEY_CURVE_ED25519", type: WalletType.Solana,
      signMessage: async (message) => Buffer.from(ed25519.sign(Buffer.from(message), seed)).toString("hex"),
      getPublicKey: async () => Buffer.from(ed25519.getPublicKey(seed)).toString("hex"),
    };
  },
};

for (const [chain, make] of Object.entries(wallets)) {
  const name = named("@turnkey/wallet-stamper");
  const wallet = make();
  const publicKey = await wallet.getPublicKey();
  const me = http(new WalletStamper(wallet));

  const account = await flow(name, `external wallet, ${chain}: sign up, and stamp a query`, async () => {
    const made = await signUp([{ apiKeyName: "wallet", publicKey, curveType: wallet.curveType }]);
    assert.deepEqual((await parent().getSubOrgIds({ filterType: "PUBLIC_KEY", filterValue: publicKey })).organizationIds, [made]);
    assert.equal((await me.getWhoami({ organizationId: made })).organizationId, made);
    assert.equal((await me.getWhoami({ organizationId: parentId })).organizationId, made);
    return made;
  });
  await flow(name, `external wallet, ${chain}: log in by stamp_login to a key of one's own`, async () => {
    const session = newKey();
    const { activity: done } = await me.stampLogin(activity("STAMP_LOGIN", parentId, { publicKey: session.publicKey, expirationSeconds: "900" }));
    assert.equal(await verifySessionJwtSignature(done.result.stampLoginResult.session, env.LATCHKEY_NOTARIZER_PUBLIC_KEY), true);
    assert.equal((await client(account, session).getWhoami()).organizationId, account);
  });
  await flow(name, `external wallet, ${chain}: stamp an activity, and a stranger's wallet is refused`, async () => {
    const account60 = { curve: "CURVE_SECP256K1", pathFormat: "PATH_FORMAT_BIP32", path: "m/44'/60'/0'/0/0", addressFormat: "ADDRESS_FORMAT_ETHEREUM" };
    const { activity: done } = await me.createWallet(activity("CREATE_WALLET", account, { walletName: "W", accounts: [account60] }));
    assert.equal(done.status, "ACTIVITY_STATUS_COMPLETED");
    await refused(http(new WalletStamper(make())).getWhoami({ organizationId: account }), "could not find public key");
  });
}

for (const runtimeOverride of ["node", "purejs"]) {
  await flow(named("@turnkey/api-key-stamper"), `stamp a query and an activity (${runtimeOverride})`, async () => {
    const key = newKey();
    const account = await signUp([apiKey(key)]);
    const me = http(new ApiKeyStamper({ apiPublicKey: key.publicKey, apiPrivateKey: key.privateKey, runtimeOverride }));
    assert.equal((await me.getWhoami({ organizationId: account })).organizationId, account);
    const { activity: done } = await me.createWallet(activity("CREATE_WALLET", account, { walletName: "W", accounts: [] }));
    assert.equal(done.status, "ACTIVITY_STATUS_COMPLETED");
  });
}
