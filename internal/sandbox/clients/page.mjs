// What an application's page imports from Turnkey, where tests can reach it.
import * as core from "@turnkey/core";
import * as crypto from "@turnkey/crypto";
import * as http from "@turnkey/http";
import { WebauthnStamper } from "@turnkey/webauthn-stamper";
import * as wallets from "./page-wallets.mjs";

/** Starts @turnkey/core as an application does, as the global client. What asks for more factors asks the global moreFactors. */
async function start(config) {
  globalThis.client = new core.TurnkeyClient({ ...config, onMfaRequired: (context) => globalThis.moreFactors(context) });
  await client.init();
}

/** Runs a function of a test, and tells of a failure with its causes: Turnkey's errors name them in a chain. */
async function run(source, argument) {
  try {
    return await (0, eval)(`(${source})`)(argument);
  } catch (error) {
    const chain = [];
    for (let e = error; e; e = e.cause) chain.push(`${e.code ?? ""} ${e.message ?? e}`.trim());
    throw new Error(chain.join(" <- "));
  }
}

globalThis.turnkey = { run, core, crypto, http, WebauthnStamper, wallets, start };
