// What an operator does: a button, a dialog that says what will happen and to whom, and the answer.
// The token is asked for once and is in this module alone: it goes with the page.

import { $, make, number, say } from "./view.js";

const TOKEN = /^[!-~]{16,255}$/;
const page = { taken: new Set(), status: null, members: [], refresh: () => {} };
let token = null, asked = null;

// TAKEN: the names of the actions that the node takes. REFRESH is called when one was done.
export function setActions(taken, refresh) {
  page.taken = new Set(taken);
  page.refresh = refresh;
  document.documentElement.classList.toggle("acts", page.taken.size > 0);
}

export function setCluster(status, members) {
  page.status = status;
  page.members = members;
}

export const takes = (name) => page.taken.has(name);

// ---- what there is to do ----------------------------------------------------------------------

const whose = (one) => `session ${one.session}${one.label ? ` (${one.label})` : ""}`;
const locks = (count) => (Number(count) === 1 ? "1 lock" : `${number(count)} locks`);

export function endHold(lock, place, next) {
  return {
    path: "release", body: { lock, token: place.token }, title: `End the hold of ${lock}?`, verb: "End the hold",
    lines: [`Held by ${whose(place)}, with token ${place.token}.`,
      "Its hold ends at once, what it appended under it is dropped, and its client is told.",
      next ? `Next in line is ${whose(next)}.` : "Nobody waits for it."],
    done: `The hold of ${lock} by ${whose(place)} is ended.`,
  };
}

export function closeSession(one) {
  return {
    path: "close", body: { session: one.session }, title: `Close session ${one.session}?`, verb: "Close the session",
    lines: [one.label || "It has no label.",
      `It holds ${locks(one.held)} and waits for ${locks(one.queued)}. All of them go to the next in line at once, `
      + "what it appended and did not release is dropped, and its client is told that it is over."],
    done: `Session ${one.session} is closed.`,
  };
}

export function lead(node) {
  return {
    path: "lead", body: { node }, title: `Hand the lead to node ${node}?`, verb: "Hand it over",
    lines: [`Node ${page.status.leader} leads now. Clients follow, and wait for a moment.`,
      `Node ${node} then keeps the lead until it stops, loses it or is drained.`],
    done: `The lead is handed to node ${node}.`,
  };
}

export function drain(node) {
  return {
    path: "drain", body: { node }, title: `Drain node ${node}?`, verb: "Drain it",
    lines: [page.status.leader === node ? `Node ${node} leads, and hands over now.` : `Node ${node} does not lead.`,
      "It leads only when no other member can, also after a restart, until this is taken back. It votes and serves as before."],
    done: `Node ${node} is drained.`,
  };
}

export function undrain(node) {
  return {
    path: "undrain", body: { node }, title: `Let node ${node} lead again?`, verb: "Let it lead",
    lines: [`Node ${node} is drained no longer, and may lead as any other.`], done: `Node ${node} is drained no longer.`,
  };
}

// ---- the dialog -------------------------------------------------------------------------------

// Who leads, and its page, if that is at the same port.
function sayElsewhere(leader, host) {
  const line = make("p", "", `Node ${leader} leads, and actions are done there. `);
  const there = new URL(location.href);
  if (host) there.hostname = host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
  if (host && there.origin !== location.origin) {
    const link = line.appendChild(make("a", "", `Its page, if it is at the same port: ${there.host}`));
    link.href = there.href;
  }
  $("act-lines").replaceChildren(line);
  $("act-do").hidden = $("act-secret").hidden = true;
  say($("act-cancel"), "Close");
  $("act-cancel").focus();
}

function fail(text) {
  say($("act-error"), text);
  $("act-error").hidden = !text;
}

function wait(waits) {
  $("act-do").disabled = waits;
  say($("act-do"), waits ? "Asking" : asked.verb);
}

export function open(action) {
  const { status } = page;
  asked = action;
  fail("");
  say($("act-title"), action.title);
  $("act-lines").replaceChildren(...action.lines.map((line) => make("p", "", line)));
  $("act-do").hidden = false;
  say($("act-cancel"), "Cancel");
  $("act-secret").hidden = token !== null;
  wait(false);
  $("act").showModal();
  if (status.leader > 0 && status.leader !== status.node) {
    const leader = page.members.find((member) => member.id === status.leader);
    sayElsewhere(status.leader, leader ? leader.host : "");
  } else $(token === null ? "act-token" : "act-cancel").focus();
}

async function post(action) {
  const answer = await fetch(`/v1/${action.path}`, {
    method: "POST", body: JSON.stringify(action.body), credentials: "omit", signal: AbortSignal.timeout(15000),
    headers: { "Authorization": `Bearer ${token}`, "Content-Type": "application/json" },
  });
  return { code: answer.status, ...await answer.json() };
}

async function act() {
  if (token === null) {
    const given = $("act-token").value.trim();
    if (!TOKEN.test(given)) {
      fail("The token of --http-admin has 16 letters, digits and signs or more.");
      $("act-token").focus();
      return;
    }
    token = given;
  }
  const action = asked;
  fail("");
  wait(true);
  let answer;
  try {
    answer = await post(action);
  } catch {
    answer = { code: 0, error: "This node does not answer: it is not known whether it was done." };
  }
  if (answer.code === 401 || answer.code === 429) token = null; // it is wrong
  if (action !== asked || !$("act").open) { // it was put away meanwhile: what came of it is told all the same
    told(answer.code === 200 ? action.done : `${action.title} ${answer.error}.`);
    return;
  }
  wait(false);
  $("act-token").value = "";
  $("act-secret").hidden = token !== null;
  if (answer.code === 200) {
    $("act").close();
    told(action.done);
    page.refresh();
  } else if (answer.leader) sayElsewhere(answer.leader, answer.host);
  else {
    fail(answer.error.replace(/^./, (first) => first.toUpperCase()).replace(/\.?$/, "."));
    $(token === null ? "act-token" : "act-cancel").focus();
  }
}

// What was done is told until another view is looked at.
export function forgetTold() {
  $("did").hidden = true;
}

function told(text) {
  say($("did-text"), text);
  $("did").hidden = false;
}

$("act-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!$("act-do").hidden && !$("act-do").disabled) act();
});
$("act-cancel").addEventListener("click", () => $("act").close());
$("act").addEventListener("close", () => {
  $("act-token").value = "";
  // The row of the button may be gone.
  if (document.activeElement === document.body) $("main").focus();
});
$("did-close").addEventListener("click", () => {
  forgetTold();
  $("main").focus();
});
