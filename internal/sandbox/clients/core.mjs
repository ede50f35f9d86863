// @turnkey/core in a browser, through every flow that an application offers. Each group of flows has pages of its own.
import { open } from "./browser.mjs";
import { step } from "./steps.mjs";
import { keys } from "./core-keys.mjs";
import { mfa } from "./core-mfa.mjs";
import { oauth } from "./core-oauth.mjs";
import { otp, plainOtp } from "./core-otp.mjs";
import { passkeys } from "./core-passkey.mjs";
import { sessions } from "./core-session.mjs";
import { user } from "./core-user.mjs";
import { wallets } from "./core-wallet.mjs";
import { webauthn } from "./webauthn.mjs";

const browser = await step("a browser with both bundles", open);
for (const group of [plainOtp, sessions, wallets, passkeys, webauthn, keys, otp, user, mfa, oauth]) {
  await group(browser);
}
await browser.close();
