// What an application's page imports from Turnkey, where tests can reach it.
import * as core from "@turnkey/core";
import * as crypto from "@turnkey/crypto";
import * as http from "@turnkey/http";
import { WebauthnStamper } from "@turnkey/webauthn-stamper";
import * as wallets from "./page-wallets.mjs";

/** Starts @turnkey/core as an application does, as the global client. */
async function start(config) {
  globalThis.client = new core.TurnkeyClient(config);
  await client.init();
}

globalThis.turnkey = { core, crypto, http, WebauthnStamper, wallets, start };
