// @turnkey/core in a browser, through every flow that an application offers. Each group of flows has a page of its own.
import { open } from "./browser.mjs";
import { step } from "./steps.mjs";
import { otp, plainOtp } from "./core-otp.mjs";

const browser = await step("a browser with both bundles", open);
for (const group of [plainOtp]) {
  await group(browser);
}
await browser.close();
