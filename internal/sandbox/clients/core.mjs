// @turnkey/core in a browser, through every flow that an application offers. Each group of flows has pages of its own.
import { open } from "./browser.mjs";
import { step } from "./steps.mjs";
import { plainOtp } from "./core-otp.mjs";
import { sessions } from "./core-session.mjs";

const browser = await step("a browser with both bundles", open);
for (const group of [plainOtp, sessions]) {
  await group(browser);
}
await browser.close();
