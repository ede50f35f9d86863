// @turnkey/http in the shape of @turnkey/sdk-server's client, so that one script can run with either: the application
// itself names the activity's type, its time and its organization, polls to the end, and takes the result out.
import { ApiKeyStamper } from "@turnkey/api-key-stamper";
import { TurnkeyActivityError, TurnkeyClient, createActivityPoller } from "@turnkey/http";

/** The newest version of each activity that has more than one. */
const versions = {
  createApiKeys: 2, createAuthenticators: 2, createOauthProviders: 2, createPolicy: 3, createPrivateKeys: 2, createReadWriteSession: 2,
  createSubOrganization: 8, createUsers: 4, emailAuth: 3, initOtp: 3, initOtpAuth: 3, initUserEmailRecovery: 2, otpLogin: 2,
  signRawPayload: 2, signTransaction: 2, updatePolicy: 2, verifyOtp: 2,
};

const typeOf = (method) => {
  const name = method.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return `ACTIVITY_TYPE_${name}${versions[method] ? `_V${versions[method]}` : ""}`;
};

/** A client of an organization that stamps with a key pair. */
export function overHTTP(baseUrl, organizationId, pair) {
  const http = new TurnkeyClient({ baseUrl }, new ApiKeyStamper({ apiPublicKey: pair.publicKey, apiPrivateKey: pair.privateKey }));

  async function submit(method, { organizationId: of = organizationId, ...parameters }) {
    const poll = createActivityPoller({ client: http, requestFn: http[method], refreshIntervalMs: 20 });
    let activity;
    try {
      activity = await poll({ type: typeOf(method), timestampMs: String(Date.now()), organizationId: of, parameters });
    } catch (error) {
      if (!(error instanceof TurnkeyActivityError) || !error.activityId) throw error;
      ({ activity } = await http.getActivity({ organizationId: of, activityId: error.activityId })); // others must act first
    }
    return { activity, ...Object.values(activity.result)[0] };
  }

  const ask = (method, input) => http[method]({ organizationId, ...input });
  return new Proxy({}, { get: (_, method) => (input = {}) => (/^(get|list)/.test(method) ? ask(method, input) : submit(method, input)) });
}
