// Log-in by a code, a wallet and a signature with @turnkey/core, as an app for Turnkey has them. What is Latchkey's about
// it stands in .env.development: two URLs.
import { getAuthProxyConfig, OtpType, TurnkeyClient } from "@turnkey/core";

const apiBaseUrl = import.meta.env.VITE_TURNKEY_API_BASE_URL;
const authProxyUrl = import.meta.env.VITE_TURNKEY_AUTH_PROXY_URL;
const authProxyConfigId = import.meta.env.VITE_TURNKEY_AUTH_PROXY_CONFIG_ID;

const $ = (id) => document.getElementById(id);
let client, attempt, account;

/** Runs what a person asked for, and says what went wrong: Turnkey's errors have their reasons below them. */
async function attend(work) {
  $("trouble").textContent = "";
  try {
    await work();
  } catch (error) {
    const reasons = [];
    for (let e = error; e; e = e.cause) reasons.push(e.message ?? e);
    $("trouble").textContent = reasons.join(": ");
  }
}

/** Calls work with the field's text when the form is sent. */
function onSubmit(id, work) {
  $(id).addEventListener("submit", (event) => {
    event.preventDefault();
    attend(() => work(event.target.querySelector("input").value));
  });
}
const onClick = (id, work) => $(id).addEventListener("click", () => attend(work));

/** Shows the session that there is, with its first wallet, or the way in. */
async function show() {
  const session = await client.getSession();
  const wallets = session ? await client.fetchWallets() : [];
  account = wallets[0]?.accounts[0];
  $("organization").textContent = session?.organizationId ?? "";
  $("until").textContent = session ? new Date(session.expiry * 1000).toLocaleTimeString() : "";
  $("address").textContent = account?.address ?? "";
  $("signature").textContent = "";
  $("begin").hidden = Boolean(session);
  $("prove").hidden = true;
  $("account").hidden = !session;
  $("create").hidden = Boolean(account);
  $("sign").hidden = !account;
}

onSubmit("begin", async (contact) => {
  const to = { otpType: OtpType.Email, contact };
  attempt = { ...to, ...(await client.initOtp(to)) };
  $("begin").hidden = true;
  $("prove").hidden = false;
});
onSubmit("prove", async (otpCode) => {
  await client.completeOtp({ ...attempt, otpCode });
  await show();
});
onClick("create", async () => {
  await client.createWallet({ walletName: "First", accounts: ["ADDRESS_FORMAT_ETHEREUM"] });
  await show();
});
onSubmit("sign", async (message) => {
  const { r, s, v } = await client.signMessage({ message, walletAccount: account, addEthereumPrefix: true });
  $("signature").textContent = `0x${r}${s}${v}`;
});
onClick("logout", async () => {
  await client.logout();
  await show();
});

attend(async () => {
  const { organizationId } = await getAuthProxyConfig(authProxyConfigId, authProxyUrl);
  client = new TurnkeyClient({ organizationId, apiBaseUrl, authProxyUrl, authProxyConfigId });
  await client.init();
  await show();
});
