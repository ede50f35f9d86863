// What the scripts share: one line on standard error for each step, standard input as JSON, and the sandbox's inbox.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

/** Runs one step and says so. A failure ends the script. */
export async function step(name, run) {
  const began = performance.now();
  try {
    const result = await run();
    console.error(`  ok    ${name} (${Math.round(performance.now() - began)} ms)`);
    return result;
  } catch (error) {
    console.error(`  FAIL  ${name}\n${error.stack ?? error}`);
    process.exit(1);
  }
}

/** Reads standard input as JSON. */
export async function input() {
  const chunks = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

/** Asserts that a call is refused with these words in the error's text. Returns the error. */
export async function refused(promise, ...words) {
  let error;
  try {
    await promise;
  } catch (e) {
    error = e;
  }
  assert.ok(error, `not refused; expected: ${words.join(", ")}`);
  for (const word of words) {
    assert.ok(error.message.includes(word), `expected "${word}" in: ${error.message}`);
  }
  return error;
}

/** The newest message to a contact, as a person would see it; with the id of another, one that came after it. */
export async function message(contact, after = "") {
  const url = new URL("/inbox", process.env.CONTROL_URL);
  url.searchParams.set("to", contact);
  if (after) url.searchParams.set("after", after);
  url.searchParams.set("wait", "30");
  const response = await fetch(url);
  assert.equal(response.status, 200, `inbox: ${response.status}`);
  const { messages } = await response.json();
  assert.ok(messages.length > 0, `no message to ${contact}`);
  return messages[0];
}

/** The newest code sent to a contact. */
export async function code(contact) {
  const { code } = await message(contact);
  assert.ok(code, "the message has no code");
  return code;
}

/** Moves the sandbox's clock. */
export async function advance(seconds) {
  const response = await fetch(new URL("/clock", process.env.CONTROL_URL), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ advanceSeconds: seconds }),
  });
  assert.equal(response.status, 200, `clock: ${response.status}`);
}

/** What a package calls itself: its name and the version that is installed. */
export const named = (folder, note = "") => {
  const { name, version } = JSON.parse(readFileSync(new URL(`node_modules/${folder}/package.json`, import.meta.url)));
  return `${name} ${version}${note && `, ${note}`}`;
};

/** Runs a flow of a client: a step that is a row of the table which the tests print at their end. */
export async function flow(client, name, run) {
  let outcome = "FAIL";
  const tell = () => console.error(`flow\t${client}\t${name}\t${outcome}`);
  process.once("exit", tell);
  const result = await step(name, run);
  process.off("exit", tell);
  outcome = "pass";
  tell();
  return result;
}
