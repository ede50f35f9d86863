// An organization of several people with @turnkey/sdk-server: users and their tags, policies, votes, features.
import assert from "node:assert/strict";
import * as sdk from "@turnkey/sdk-server";
import * as viem from "viem";
import { flow, refused } from "./steps.mjs";
import { apiKey, client, clientName as name, newKey, parent } from "./turnkey.mjs";

const [ada, bob, eve] = [newKey(), newKey(), newKey()];
const root = (userName, key) => ({ userName, apiKeys: [apiKey(key)], authenticators: [], oauthProviders: [] });
const { subOrganizationId, rootUserIds } = await parent().createSubOrganization({ subOrganizationName: "Team", rootQuorumThreshold: 1, rootUsers: [root("Ada", ada), root("Bob", bob)] });
const [asAda, asBob, asEve] = [ada, bob, eve].map((key) => client(subOrganizationId, key));
const { walletId, addresses } = await asAda.createWallet({ walletName: "Shared", accounts: [sdk.defaultEthereumAccountAtIndex(0)] });
const payload = (text) => ({ signWith: addresses[0], payload: text, encoding: "PAYLOAD_ENCODING_TEXT_UTF8", hashFunction: "HASH_FUNCTION_KECCAK256" });

const [eveId, tagId] = await flow(name, "users and tags", async () => {
  const { userTagId } = await asAda.createUserTag({ userTagName: "signers", userIds: [] });
  const { userIds } = await asAda.createUsers({ users: [{ ...root("Eve", eve), userEmail: "eve@example.com", userTags: [userTagId] }] });
  assert.deepEqual((await asEve.getUser({ userId: userIds[0] })).user.userTags, [userTagId]);
  assert.equal((await asEve.getWhoami()).userId, userIds[0]);
  await asAda.updateUserTag({ userTagId, newUserTagName: "signatories", addUserIds: [], removeUserIds: [] });
  assert.deepEqual((await asAda.listUserTags()).userTags.map((tag) => tag.tagName), ["signatories"]);
  assert.equal((await asAda.getUsers()).users.length, 3);
  await asAda.updateUserName({ userId: userIds[0], userName: "Evelyn" });
  assert.equal((await asEve.getWhoami()).username, "Evelyn");
  return [userIds[0], userTagId];
});

await flow(name, "policies: who is named in one may do that and no more", async () => {
  await refused(asEve.signRawPayload(payload("before")), "permission");
  const { policyId } = await asAda.createPolicy({
    policyName: "signatories sign", effect: "EFFECT_ALLOW", notes: "",
    consensus: `approvers.any(user, user.tags.contains('${tagId}'))`, condition: `activity.action == 'SIGN' && wallet.id == '${walletId}'`,
  });
  const signed = await asEve.signRawPayload(payload("after"));
  assert.match(signed.r, /^[0-9a-f]{64}$/);
  await refused(asEve.createWallet({ walletName: "Hers", accounts: [] }), "permission");
  const { policyEvaluations } = await asAda.getPolicyEvaluations({ activityId: signed.activity.id });
  assert.ok(JSON.stringify(policyEvaluations).includes(policyId), JSON.stringify(policyEvaluations));
  const { policyIds } = await asAda.createPolicies({ policies: [{ policyName: "no", effect: "EFFECT_DENY", condition: "activity.action == 'SIGN'", consensus: "true", notes: "" }] });
  await refused(asEve.signRawPayload(payload("denied")), "permission");
  await asAda.updatePolicy({ policyId: policyIds[0], policyCondition: "activity.action == 'EXPORT'" });
  await asEve.signRawPayload(payload("again"));
  assert.equal((await asAda.getPolicies()).policies.length, 2);
  assert.equal((await asAda.getPolicy({ policyId })).policy.policyName, "signatories sign");
  await refused(asAda.createPolicy({ policyName: "nonsense", effect: "EFFECT_ALLOW", condition: "activity.action = 'SIGN'", notes: "" }));
  await asAda.deletePolicy({ policyId: policyIds[0] });
  await asAda.deletePolicies({ policyIds: [policyId] });
  await refused(asEve.signRawPayload(payload("over")), "permission");
});

await flow(name, "contract interfaces: a policy reads the arguments of a call that viem encodes", async () => {
  const token = "0xdAC17F958D2ee523a2206206994597C13D831ec7";
  const abi = viem.parseAbi(["function transfer(address to, uint256 amount)"]);
  const made = await asAda.createSmartContractInterface({ smartContractAddress: token, smartContractInterface: JSON.stringify(abi), type: "SMART_CONTRACT_INTERFACE_TYPE_ETHEREUM", label: "Token" });
  const { smartContractInterfaceId } = made;
  assert.equal((await asAda.getSmartContractInterface({ smartContractInterfaceId })).smartContractInterface.label, "Token");
  assert.equal((await asAda.getSmartContractInterfaces({})).smartContractInterfaces.length, 1);
  const condition = "eth.tx.function_name == 'transfer' && eth.tx.contract_call_args['amount'] <= 1000";
  const { policyId } = await asAda.createPolicy({ policyName: "small transfers", effect: "EFFECT_ALLOW", consensus: `approvers.any(user, user.id == '${eveId}')`, condition, notes: "" });
  const transfer = (amount) => {
    const data = viem.encodeFunctionData({ abi, functionName: "transfer", args: [token, amount] });
    const unsignedTransaction = viem.serializeTransaction({ type: "eip1559", chainId: 1, nonce: 0, gas: 60000n, maxFeePerGas: 2n, maxPriorityFeePerGas: 1n, to: token, data });
    return asEve.signTransaction({ type: "TRANSACTION_TYPE_ETHEREUM", signWith: addresses[0], unsignedTransaction });
  };
  assert.ok((await transfer(1000n)).signedTransaction);
  await refused(transfer(1001n), "permission");
  await asAda.deletePolicy({ policyId });
  await asAda.deleteSmartContractInterface({ smartContractInterfaceId });
});

await flow(name, "a quorum of two: one asks, the other approves or rejects", async () => {
  await asAda.updateRootQuorum({ threshold: 2, userIds: rootUserIds });
  const ask = async (walletName) => (await asAda.createWallet({ walletName, accounts: [] })).activity;
  const first = await ask("Agreed");
  assert.equal(first.status, "ACTIVITY_STATUS_CONSENSUS_NEEDED");
  assert.deepEqual((await asBob.getActivities({ filterByStatus: ["ACTIVITY_STATUS_CONSENSUS_NEEDED"] })).activities.map((one) => one.id), [first.id]);
  await refused(asEve.approveActivity({ fingerprint: first.fingerprint }));
  await asBob.approveActivity({ fingerprint: first.fingerprint });
  const { activity } = await asAda.getActivity({ activityId: first.id });
  assert.equal(activity.status, "ACTIVITY_STATUS_COMPLETED");
  assert.deepEqual(new Set(activity.votes.map((vote) => vote.userId)), new Set(rootUserIds));
  const second = await ask("Refused");
  await asBob.rejectActivity({ fingerprint: second.fingerprint });
  assert.equal((await asAda.getActivity({ activityId: second.id })).activity.status, "ACTIVITY_STATUS_REJECTED");
  assert.deepEqual((await asAda.getWallets()).wallets.map((wallet) => wallet.walletName).sort(), ["Agreed", "Shared"]);
  const back = (await asAda.updateRootQuorum({ threshold: 1, userIds: rootUserIds })).activity;
  await asBob.approveActivity({ fingerprint: back.fingerprint });
});

await flow(name, "features, names and session profiles", async () => {
  await asAda.setOrganizationFeature({ name: "FEATURE_NAME_SMS_AUTH", value: "" });
  const features = async () => (await asAda.getOrganizationConfigs({ organizationId: subOrganizationId })).configs.features.map((one) => one.name);
  assert.ok((await features()).includes("FEATURE_NAME_SMS_AUTH"));
  await asAda.removeOrganizationFeature({ name: "FEATURE_NAME_SMS_AUTH" });
  assert.ok(!(await features()).includes("FEATURE_NAME_SMS_AUTH"));
  await asAda.updateOrganizationName({ organizationName: "Crew" });
  assert.equal((await asAda.getWhoami()).organizationName, "Crew");
  await asAda.updateWallet({ walletId, walletName: "Common" });
  assert.equal((await asAda.getWallet({ walletId })).wallet.walletName, "Common");
});

await flow(name, "private keys made in the enclave", async () => {
  const wanted = { privateKeyName: "K", curve: "CURVE_SECP256K1", privateKeyTags: [], addressFormats: ["ADDRESS_FORMAT_ETHEREUM"] };
  const { privateKeys } = await asAda.createPrivateKeys({ privateKeys: [wanted] });
  const [{ privateKeyId, addresses }] = privateKeys;
  assert.match(addresses[0].address, /^0x/);
  assert.deepEqual((await asAda.getPrivateKeys()).privateKeys.map((one) => one.privateKeyId), [privateKeyId]);
  await asAda.signRawPayload({ ...payload("hello"), signWith: privateKeyId });
  await asAda.deletePrivateKeys({ privateKeyIds: [privateKeyId], deleteWithoutExport: true });
  await refused(asAda.signRawPayload({ ...payload("late"), signWith: privateKeyId }));
});

await flow(name, "users go, and what they could do goes with them", async () => {
  await asAda.deleteUserTags({ userTagIds: [tagId] });
  await asAda.deleteUsers({ userIds: [eveId] });
  await refused(asEve.getWhoami(), "could not find public key");
});
