"use strict";

// Everything that comes from a message is put in as text, never as markup.

const REFRESH_MS = 2000;
const byId = (id) => document.getElementById(id);
let shown = null; // the ID of the message that is open
let known = ""; // what the list was made of

function element(name, text, className) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

async function read(path) {
  const answer = await fetch(path, { cache: "no-store" });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

function listItem(message) {
  const button = element("button");
  button.type = "button";
  button.dataset.id = message.message_id;
  button.setAttribute("aria-pressed", String(message.message_id === shown));
  const what = element("span", undefined, "what");
  const sender = message.senders.join(", ") || message.access_key_id;
  const to = message.recipients.length ? ` → ${message.recipients.join(", ")}` : "";
  what.append(`${sender}${to}`);
  if (message.subject) what.append(element("br"), message.subject);
  button.append(
    element("span", message.at.slice(11, 19)),
    element("span", message.outcome, message.outcome),
    what,
    element("span", message.reason, "why"),
  );
  button.addEventListener("click", () => open(message.message_id));
  const item = element("li");
  item.append(button);
  return item;
}

function isWanted(message) {
  const outcome = byId("outcome").value;
  const words = byId("search").value.toLowerCase();
  return (!outcome || message.outcome === outcome) && JSON.stringify(message).toLowerCase().includes(words);
}

function showList(all) {
  const messages = all.filter(isWanted);
  const made = JSON.stringify(messages.map((message) => message.message_id));
  if (made === known) return;
  known = made;
  const focused = document.activeElement?.dataset?.id;
  byId("none").hidden = messages.length > 0;
  byId("none").textContent = all.length ? "No message is like that." : "Nothing was sent yet.";
  byId("list").replaceChildren(...messages.toReversed().map(listItem));
  if (focused) document.querySelector(`button[data-id="${CSS.escape(focused)}"]`)?.focus();
}

function showSuspended(suspended) {
  const lines = suspended.map(({ domain, why }) => `${domain} is suspended ${why}`.trim());
  const made = JSON.stringify(lines);
  if (byId("suspended").dataset.made === made) return; // so that it is read out once
  byId("suspended").dataset.made = made;
  byId("suspended").replaceChildren(...lines.map((line) => element("li", line)));
}

function definitions(pairs) {
  const list = element("dl");
  for (const [name, value] of pairs) list.append(element("dt", name), element("dd", value));
  return list;
}

function headed(title, content) {
  return [element("h3", title), content];
}

async function open(id) {
  shown = id;
  for (const button of document.querySelectorAll("#list button")) {
    button.setAttribute("aria-pressed", String(button.dataset.id === id));
  }
  const message = await read(`messages/${id}`);
  const article = byId("message");
  const source = element("details");
  source.append(element("summary", "Source"), element("pre", message.source));
  const download = element("a", "Download as .eml");
  download.href = `messages/${id}/raw`;
  const parts = [
    element("h3", message.subject || "(no subject)"),
    definitions([
      ["Outcome", message.outcome],
      ["Answer", message.answer],
      ["Reason", message.reason],
      ["By", message.user_arn],
      ["Access key ID", message.access_key_id],
      ["With", message.operation],
      ["Sender", message.senders.join(", ")],
      ["Return-Path", message.return_path ?? ""],
      ["Recipients", message.recipients.join(", ")],
      ["At", message.at.replace("T", " ").replace("+00:00", " UTC")],
    ]),
  ];
  if (message.headers.length) parts.push(...headed("Headers", definitions(message.headers)));
  if (message.text !== null) parts.push(...headed("Text", element("pre", message.text)));
  if (message.has_html) {
    const frame = element("iframe");
    frame.title = "The message's HTML";
    frame.setAttribute("sandbox", "");
    frame.src = `messages/${id}/html`;
    parts.push(...headed("HTML", frame));
  }
  if (message.size) parts.push(source, download);
  article.replaceChildren(...parts);
  article.hidden = false;
  article.focus();
}

function showMatrix(matrix) {
  const head = element("tr");
  head.append(element("th", "User"));
  for (const domain of matrix.domains) {
    const cell = element("th", `@${domain}`);
    cell.scope = "col";
    head.append(cell);
  }
  const rows = matrix.users.map((user) => {
    const row = element("tr");
    const name = element("th", user.user_name);
    name.scope = "row";
    row.append(name);
    for (const cell of user.cells) {
      const right = cell.may_send === cell.expected;
      const made = element("td", undefined, right ? (cell.expected ? "own" : "") : "wrong");
      made.title = cell.reason;
      const told = `${cell.may_send ? "may send" : "may not"}${right ? "" : ": not expected"}`;
      made.append(element("span", told, right ? (cell.expected ? "may" : "") : "may-not"));
      if (!right) made.append(element("small", cell.reason));
      row.append(made);
    }
    return row;
  });
  byId("table").replaceChildren(head, ...rows);
}

async function refresh() {
  try {
    const matrixOpen = location.hash === "#matrix";
    for (const name of ["messages", "matrix"]) {
      const current = (name === "matrix") === matrixOpen;
      byId(name).hidden = !current;
      if (current) byId(`to-${name}`).setAttribute("aria-current", "page");
      else byId(`to-${name}`).removeAttribute("aria-current");
    }
    const outbox = await read("messages.json");
    showList(outbox.messages);
    showSuspended(outbox.suspended);
    if (matrixOpen) showMatrix(await read("matrix.json"));
    const refused = outbox.messages.filter((message) => message.outcome === "refused").length;
    const accepted = outbox.messages.length - refused;
    byId("status").textContent = `${outbox.region}: ${accepted} accepted, ${refused} refused`;
  } catch {
    byId("status").textContent = "The sandbox does not answer.";
  }
}

for (const id of ["search", "outcome"]) byId(id).addEventListener("input", refresh);
addEventListener("hashchange", refresh);
setInterval(refresh, REFRESH_MS);
refresh();
