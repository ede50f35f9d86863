// The thirteen routes of Turnkey's auth proxy over the parent's key, as an application's own backend would serve them
// with Turnkey's server package: what @turnkey/core calls for sign-ups, codes and look-ups. One JSON line on standard
// output says that it is ready. It judges nothing by itself; what the API refuses, it refuses.
import { createServer } from "node:http";
import { Turnkey as Plain } from "turnkey-sdk-server-5";
import { env, parent, parentId } from "./turnkey.mjs";

const app = parent();
const plain = parent(Plain); // codes and tokens of the older generation
const seconds = "900";
const code = { appName: "Example", otpLength: 6, alphanumeric: false };

const claims = (token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
const first = ({ organizationIds }) => organizationIds[0];

/** The account of a proven contact, an identity, a key or a credential. */
async function account({ filterType, filterValue }) {
  const find = filterType === "EMAIL" || filterType === "PHONE_NUMBER" ? "getVerifiedSubOrgIds" : "getSubOrgIds";
  const organizationId = first(await app[find]({ filterType, filterValue }));
  return organizationId ? { organizationId } : {};
}

/** Where a verification token logs in: the caller's word, else the account of its contact. */
async function home({ organizationId, verificationToken }) {
  const { contact, verification_type: kind } = claims(verificationToken);
  return organizationId ?? (await account({ filterType: kind === "OTP_TYPE_SMS" ? "PHONE_NUMBER" : "EMAIL", filterValue: contact })).organizationId;
}

async function signUp(by, body) {
  const { userEmail, userPhoneNumber, userTag, userName, organizationName, verificationToken, clientSignature, wallet } = body;
  const user = { userName: userName ?? "user", userEmail, userPhoneNumber, apiKeys: body.apiKeys, authenticators: body.authenticators, oauthProviders: body.oauthProviders };
  const made = await by.createSubOrganization({
    subOrganizationName: organizationName ?? `sub-org ${userTag ?? ""}`, rootQuorumThreshold: 1, rootUsers: [user],
    ...(verificationToken && { verificationToken }), ...(clientSignature && { clientSignature }), ...(wallet && { wallet }),
  });
  return { organizationId: made.subOrganizationId, userId: made.rootUserIds[0], ...(made.wallet && { wallet: made.wallet }) };
}

const only = (names, result) => Object.fromEntries(names.map((name) => [name, result[name]]));

const routes = {
  "/v1/account": account,
  "/v1/otp_init": async ({ otpType, contact }) => only(["otpId"], await plain.initOtp({ ...code, otpType, contact })),
  "/v1/otp_init_v2": async ({ otpType, contact }) => only(["otpId", "otpEncryptionTargetBundle"], await app.initOtp({ ...code, otpType, contact })),
  "/v1/otp_verify": async (body) => only(["verificationToken"], await plain.verifyOtp(body)),
  "/v1/otp_verify_v2": async (body) => only(["verificationToken"], await app.verifyOtp(body)),
  "/v1/otp_login": async (body) => only(["session"], await plain.otpLogin({ ...body, organizationId: await home(body), expirationSeconds: seconds })),
  "/v1/otp_login_v2": async (body) => only(["session"], await app.otpLogin({ ...body, organizationId: await home(body), expirationSeconds: seconds })),
  "/v1/oauth_login": async (body) => {
    const organizationId = body.organizationId ?? (await account({ filterType: "OIDC_TOKEN", filterValue: body.oidcToken })).organizationId;
    return only(["session"], await app.oauthLogin({ ...body, organizationId, expirationSeconds: seconds }));
  },
  "/v1/oauth2_authenticate": async ({ provider, clientId, ...body }) => {
    const { oauth2Credentials } = await app.listOauth2Credentials({});
    const { oauth2CredentialId } = oauth2Credentials.find((one) => one.provider === provider && one.clientId === clientId);
    return only(["oidcToken"], await app.oauth2Authenticate({ ...body, oauth2CredentialId }));
  },
  "/v1/signup": (body) => signUp(plain, body),
  "/v1/signup_v2": (body) => signUp(app, body),
  "/v1/wallet_kit_config": async () => ({
    enabledProviders: ["email", "sms", "passkey", "wallet", "google", "apple", "facebook", "x", "discord"],
    sessionExpirationSeconds: seconds, organizationId: parentId, oauthClientIds: {}, oauthRedirectUrl: "", otpAlphanumeric: false, otpLength: "6",
  }),
  "/v1/wallet_kit_client_params": async () => ({}),
};

const httpOf = { 3: 400, 5: 404, 6: 409, 7: 403, 8: 429, 16: 401 };

const server = createServer(async (request, response) => {
  const open = { "Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "content-type, x-auth-proxy-config-id, x-captcha-token", "Access-Control-Allow-Methods": "POST" };
  if (request.method === "OPTIONS") return response.writeHead(204, open).end();
  let status = 200;
  let answer;
  try {
    if (request.headers["x-auth-proxy-config-id"] !== env.AUTH_PROXY_CONFIG_ID) throw Object.assign(new Error("unknown config"), { code: 3 });
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    answer = await routes[request.url](JSON.parse(Buffer.concat(chunks).toString() || "{}"));
  } catch (error) {
    status = httpOf[error.code] ?? 500;
    answer = { code: error.code ?? 13, message: error.message, details: error.details ?? [] };
  }
  response.writeHead(status, { ...open, "Content-Type": "application/json" }).end(JSON.stringify(answer));
});
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })));
process.on("SIGTERM", () => process.exit(0));
