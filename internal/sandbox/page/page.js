"use strict";

// The page is a client of /inbox like any other: it asks for what came after the newest message that it shows, and
// waits. Texts are set as text, never as markup, for anybody may have written them.

const list = document.getElementById("messages");
const empty = document.getElementById("empty");
const state = document.getElementById("state");
let newest = 0;

function part(name, className, text) {
  const node = document.createElement(name);
  node.className = className;
  node.textContent = text;
  return node;
}

function show(message) {
  const item = document.createElement("li");
  const head = part("div", "head", "");
  head.append(
    part("span", "to", message.to),
    part("time", "", (message.channel === "sms" ? "SMS" : "E-mail") + ", " + new Date(message.at).toLocaleString()),
  );
  item.append(head, part("p", "body", message.text || message.subject || ""));
  if (message.code) {
    const code = part("div", "code", "");
    const copy = part("button", "", "Copy");
    copy.type = "button";
    copy.setAttribute("aria-label", "Copy the code for " + message.to);
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(message.code);
        copy.textContent = "Copied";
      } catch {
        copy.textContent = "Not copied";
      }
    });
    code.append(part("code", "", message.code), copy);
    item.append(code);
  }
  list.prepend(item);
}

async function poll() {
  for (;;) {
    try {
      const answer = await fetch("/inbox?wait=25&after=" + newest);
      if (!answer.ok) throw new Error("status " + answer.status);
      const { messages } = await answer.json();
      for (const message of messages.reverse()) {
        newest = Math.max(newest, Number(message.id));
        show(message);
      }
      empty.hidden = newest !== 0;
      state.textContent = "Listening";
    } catch {
      state.textContent = "The sandbox does not answer. Trying again.";
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
}

poll();
