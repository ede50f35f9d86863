// The auth server as Turnkey's documents have one write it: Express and @turnkey/sdk-server, and nothing else. It is what
// the backend is measured beside (rows P3 to P5); no test relies on it.
import express from "express";
import { Turnkey } from "@turnkey/sdk-server";

const env = process.env;
const turnkey = new Turnkey({
  apiBaseUrl: env.TURNKEY_API_URL,
  apiPrivateKey: env.TURNKEY_API_PRIVATE_KEY,
  apiPublicKey: env.TURNKEY_API_PUBLIC_KEY,
  defaultOrganizationId: env.TURNKEY_ORGANIZATION_ID,
}).apiClient();

const app = express();
app.use(express.json());
app.get("/livez", (_, res) => res.json({ status: "live" }));

const route = (path, run) =>
  app.post(path, async (req, res) => {
    try {
      res.json(await run(req.body));
    } catch (error) {
      res.status(500).json({ error: error.message });
    }
  });

route("/otp/init", async ({ otpType, contact }) => {
  const { otpId } = await turnkey.initOtp({ appName: "Bench", otpType, contact, userIdentifier: contact, otpLength: 6, alphanumeric: false });
  return { otpId };
});

app.listen(Number(env.PORT), "127.0.0.1");
