// What a person changes about themselves with @turnkey/core: name, proven contacts, and at last the account itself.
import assert from "node:assert/strict";
import { corePage, session, signUp } from "./core-page.mjs";
import { code, flow, named, refused } from "./steps.mjs";
import { parent } from "./turnkey.mjs";

export async function user(browser) {
  const name = named("@turnkey/core", "in Chromium, pins swapped");
  const page = await corePage(browser, "swapped");
  await signUp(page);
  const { organizationId } = await session(page);
  const found = async (filterType, filterValue) => (await parent().getVerifiedSubOrgIds({ filterType, filterValue })).organizationIds;

  /** Proves a contact by code: a verification token for a change. */
  async function proof(to) {
    const begun = await page.run((to) => client.initOtp(to), to);
    return (await page.run((answer) => client.verifyOtp(answer), { ...begun, otpCode: await code(to.contact) })).verificationToken;
  }

  await flow(name, "update the user's name", async () => {
    await page.run(() => client.updateUserName({ userName: "Ada King" }));
    assert.equal((await session(page)).user.userName, "Ada King");
  });
  await flow(name, "update e-mail address and phone number, proven by codes", async () => {
    const email = { otpType: "OTP_TYPE_EMAIL", contact: "king@example.com" };
    const sms = { otpType: "OTP_TYPE_SMS", contact: "+12025550188" };
    const changes = [proof(email), proof(sms)];
    const [byMail, bySMS] = await Promise.all(changes);
    await page.run((change) => client.updateUserEmail(change), { email: email.contact, verificationToken: byMail });
    await page.run((change) => client.updateUserPhoneNumber(change), { phoneNumber: sms.contact, verificationToken: bySMS });
    const { user } = await session(page);
    assert.deepEqual([user.userEmail, user.userPhoneNumber], [email.contact, sms.contact]);
    assert.deepEqual(await found("EMAIL", email.contact), [organizationId]);
    assert.deepEqual(await found("PHONE_NUMBER", sms.contact), [organizationId]);
  });
  await flow(name, "an address without proof is not a way in, and can be taken off", async () => {
    await page.run(() => client.updateUserEmail({ email: "unproven@example.com" }));
    assert.deepEqual(await found("EMAIL", "unproven@example.com"), []);
    await page.run(() => client.removeUserEmail());
    await page.run(() => client.removeUserPhoneNumber());
    const { user } = await session(page);
    assert.deepEqual([user.userEmail ?? "", user.userPhoneNumber ?? ""], ["", ""]);
  });
  await flow(name, "delete the sub-organization, exported or told so", async () => {
    await page.run(() => client.createWallet({ walletName: "Left behind", accounts: ["ADDRESS_FORMAT_ETHEREUM"] }));
    await refused(page.run(() => client.deleteSubOrganization()), "DELETE_SUB_ORGANIZATION_ERROR");
    await page.run(() => client.deleteSubOrganization({ deleteWithoutExport: true }));
    await refused(page.run(() => client.fetchUser()), "ORGANIZATION_NOT_FOUND");
    assert.ok(!(await parent().getSubOrgIds({})).organizationIds.includes(organizationId));
  });
  await page.close();
}
