// The page asks its node again and again for what is on the screen: nothing while it is hidden, one
// question at a time, and never more than a twentieth of the time when the node is slow.

import * as act from "./act.js";
import { $, clock, drawCurve, duration, fillButton, fillRows, make, number, say } from "./view.js";

const PAGE = 100; // rows of a table
const EVENTS = 200; // that are kept
const views = ["cluster", "locks", "lock", "sessions", "events"];
const state = {
  view: "cluster", lock: "", status: null, members: [], lostSince: null, asked: "", shown: {}, drawn: -Infinity,
  offset: { locks: 0, sessions: 0 }, actions: false, events: { upto: null, list: [], paused: false },
};

// ---- asking -----------------------------------------------------------------------------

async function ask(path, params) {
  const query = params ? `?${new URLSearchParams(params)}` : "";
  const answer = await fetch(`/v1/${path}${query}`, { signal: AbortSignal.timeout(8000) });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(`the node says: ${(await answer.text()).trim()}`);
  return answer.json();
}

function lost(error) {
  if (!state.lostSince) state.lostSince = clock();
  const why = error.message.startsWith("the node says") ? error.message : "This node does not answer";
  say($("banner"), `${why}, since ${state.lostSince}. What you see is from before. Trying again.`);
  $("banner").hidden = false;
  document.documentElement.classList.add("stale");
}

function found() {
  state.lostSince = null;
  $("banner").hidden = true;
  document.documentElement.classList.remove("stale");
}

// ---- the cluster ----------------------------------------------------------------------------

// "1:214 2:214 3:100!": of each member the last entry that it is known to have; "!": not heard.
function reached(text) {
  const all = new Map();
  for (const part of (text || "").split(" ")) {
    const match = /^(\d+):(\d+)(!?)$/.exec(part);
    if (match) all.set(Number(match[1]), { index: Number(match[2]), heard: match[3] === "" });
  }
  return all;
}

function sayLead() {
  const { status } = state;
  document.title = `holdfast: node ${status.node}`;
  say($("lead"), status.leader > 0 ? `Node ${status.leader} leads, term ${number(status.term)}`
    : "This node knows no leader");
  $("lead").className = status.leader > 0 ? "good" : "bad";
  say($("since"), status.leader > 0 ? `for ${duration(status.led_ms)}; this is node ${status.node}`
    : `; this is node ${status.node}`);
}

function showNodes() {
  const { status, members } = state, has = reached(status.reached);
  const newest = Math.max(status.commit_index, ...[...has.values()].map((one) => one.index));
  const uncounted = (status.not_counted || "").split(",");
  const list = $("nodes");
  while (list.children.length > members.length) list.lastElementChild.remove();
  members.forEach((member, i) => {
    let card = list.children[i];
    if (!card) {
      card = list.appendChild(make("li"));
      card.append(make("p", "title"), make("p", "where quiet"), make("progress"), make("p", "far"), make("p", "acting"));
    }
    const one = has.get(member.id) || { index: 0, heard: false };
    const leads = member.id === status.leader, own = member.id === status.node;
    const what = leads ? "leads" : !one.heard ? "not heard" : member.votes ? "follows" : "learns";
    card.className = leads ? "leads" : "";
    say(card.children[0], `Node ${member.id}${own ? " (this one)" : ""}: ${what}`);
    card.children[0].className = one.heard ? "title" : "title bad";
    say(card.children[1], `${member.host}:${member.client_port}`);
    card.children[2].max = Math.max(1, newest);
    card.children[2].value = one.index;
    card.children[2].setAttribute("aria-label", `log of node ${member.id}`);
    const behind = newest - one.index;
    const far = one.index === 0 ? "its log is not known here"
      : `entry ${number(one.index)}${behind > 0 ? `, ${number(behind)} behind` : ""}`;
    const wrong = uncounted.includes(String(member.id)) ? "; its disk does not count yet" : "";
    say(card.children[3], far + wrong + (member.drained ? "; drained" : "") + (member.leaves ? "; leaves" : ""));
    showNodeActions(card.children[4], member, leads);
  });
}

// In places of their own, so that the focus stays on one that stays.
function showNodeActions(place, member, leads) {
  if (!act.takes("drain")) {
    place.replaceChildren();
    return;
  }
  while (place.children.length < 2) place.append(make("span"));
  const [first, second] = place.children;
  if (leads || member.drained || !member.votes) first.replaceChildren();
  else fillButton(first, { text: "Lead\u2026", label: `Hand the lead to node ${member.id}`, press: () => act.open(act.lead(member.id)) });
  fillButton(second, member.drained
    ? { text: "Let it lead\u2026", label: `Let node ${member.id} lead again`, press: () => act.open(act.undrain(member.id)) }
    : { text: "Drain\u2026", label: `Drain node ${member.id}`, press: () => act.open(act.drain(member.id)) });
}

function showTotals() {
  const { status } = state;
  const rows = [["locks", status.locks], ["holds", status.holds], ["waiting", status.waiting],
    ["sessions", status.sessions], ["connections here", status.connections]];
  const list = $("totals");
  rows.forEach(([name, value], i) => {
    let box = list.children[i];
    if (!box) {
      box = list.appendChild(make("div"));
      box.append(make("dt", "", name), make("dd"));
    }
    say(box.lastElementChild, number(value));
  });
}

function heldBy(lock) {
  const [first] = lock.holders;
  if (!first) return lock.waiters > 0 ? "nobody" : "";
  const more = lock.holders.length > 1 ? ` and ${lock.holders.length - 1} more` : "";
  return `${first.label || `session ${first.session}`}${more}`;
}

const pressed = (text, label, press) => ({ text, label, press, className: "act" });
const lockLink = (name) => ({ text: name, href: `#/lock/${encodeURIComponent(name)}` });
const num = (value) => ({ text: number(value), className: "num" });
const id = (value) => ({ text: value, className: "num" }); // as it is written in commands
const wide = (text) => ({ text, className: "wide" });

// The node takes a sample each few seconds; a change of leader or term is marked.
async function showCurves() {
  if (performance.now() - state.drawn < 5000) return;
  const history = await ask("history"), steps = history.leader.length;
  const marks = [];
  let before = null;
  history.term.forEach((term, x) => {
    const now = history.leader[x] ? `${term} ${history.leader[x]}` : before;
    if (before !== null && now !== before) marks.push(x);
    before = now;
  });
  const rate = (value) => number(Math.round(10 * value) / 10);
  const grants = history.grants.map((value) => (value === null ? null : value / history.step_s));
  for (const [name, values, format] of [["grants", grants, rate], ["waiting", history.waiting, number],
    ["holds", history.holds, number], ["sessions", history.sessions, number]]) {
    drawCurve($(`curve-${name}`), values, marks, format);
    say($(`curve-${name}`).querySelector(".from"), steps > 1 ? `${duration((steps - 1) * history.step_s * 1000)} ago` : "");
  }
  const changes = marks.length === 1 ? "The lead changed once, where the line is"
    : `The lead changed ${marks.length} times, where the lines are`;
  say($("curves-say"), steps < 2 ? `This node takes a sample each ${history.step_s} s: curves begin in a moment.`
    : marks.length > 0 ? `${changes}.` : "The lead did not change.");
  state.drawn = performance.now();
}

async function pollCluster() {
  state.members = (await ask("members")).members.sort((a, b) => a.id - b.id);
  showNodes();
  showTotals();
  await showCurves();
  if (!changed("busiest")) return;
  const { locks } = await ask("locks", { sort: "waiters", limit: 10 });
  fillRows($("busiest"), locks, (lock) => lock.lock,
    (lock) => [lockLink(lock.lock), num(lock.waiters), heldBy(lock)]);
  $("busiest-none").hidden = locks.length > 0;
}

// ---- locks and sessions ---------------------------------------------------------------------------

// Whether the lists may be others than when this was asked last.
function changed(what) {
  const now = `${what} ${state.status.command_index}`;
  if (state.asked === now) return false;
  state.asked = now;
  return true;
}

function showPager(what, answer, count) {
  const from = state.offset[what], search = $(`${what}-search`).value;
  const all = answer.found ?? (search === "" ? state.status[what] : null);
  // Of a very long list the node looks at the first names alone.
  const of = answer.looked !== undefined ? ` of the first ${number(answer.looked)} by name`
    : all === null || count === 0 ? "" : ` of ${number(all)}`;
  say($(`${what}-count`), (count > 0 ? `${number(from + 1)} to ${number(from + count)}`
    : from > 0 ? "no more" : "none") + of);
  $(`${what}-prev`).disabled = from === 0;
  $(`${what}-next`).disabled = !answer.more || count < PAGE || from + PAGE > 10000;
}

function listParams(what) {
  return { search: $(`${what}-search`).value, offset: state.offset[what], limit: PAGE };
}

async function pollLocks() {
  const params = { ...listParams("locks"), sort: $("locks-sort").value };
  if (!changed(JSON.stringify(params))) return;
  const answer = await ask("locks", params);
  fillRows($("locks"), answer.locks, (lock) => lock.lock, (lock) => [lockLink(lock.lock),
    num(lock.waiters), heldBy(lock),
    { text: lock.holders[0] ? lock.holders[0].token : "", className: "num wide" }]);
  showPager("locks", answer, answer.locks.length);
}

async function pollSessions() {
  const params = listParams("sessions");
  if (!changed(`sessions ${JSON.stringify(params)}`)) return;
  const answer = await ask("sessions", params);
  fillRows($("sessions"), answer.sessions, (one) => String(one.session), (one) => [id(one.session),
    one.label, num(one.held), { text: number(one.queued), className: "num spare" },
    { text: duration(one.ttl_ms), className: "num wide" }, wide(one.gone ? "gone" : "live"),
    one.gone || !act.takes("close") ? { text: "", className: "act" }
      : pressed("Close\u2026", `Close session ${one.session}`, () => act.open(act.closeSession(one)))]);
  showPager("sessions", answer, answer.sessions.length);
}

async function pollLock() {
  const name = state.lock;
  if (changed(`lock ${name}`)) {
    const lock = await ask(`locks/${encodeURIComponent(name)}`, { limit: PAGE });
    if (name !== state.lock) return;
    state.shown = { name, lock, since: performance.now() };
  }
  if (state.shown.name === name) showLock(state.shown);
}

// As it was SINCE then: holders and waiters are older now.
function showLock({ name, lock, since }) {
  const holders = lock ? lock.holders : [], queue = lock ? lock.queue : [];
  const mode = (place) => ({ text: place.units > 0 ? `${place.mode}, ${place.units}` : place.mode, className: "tight" });
  const age = (place) => ({ text: duration(place.age_ms + performance.now() - since), className: "num wide" });
  say($("lock-says"), !lock ? "Nobody holds it or waits for it."
    : `${lock.held ? "Held" : "Not held"}; ${number(lock.waiters)} waiting${lock.limit > 0 ? `; limit ${number(lock.limit)}` : ""}.`);
  fillRows($("holders"), holders, (place) => String(place.token), (place) => [id(place.session),
    mode(place), { text: place.token, className: "num spare" }, age(place), place.label, wide(place.note), !act.takes("release") ? { text: "", className: "act" }
      : pressed("End\u2026", `End the hold of session ${place.session}`, () => act.open(act.endHold(name, place, queue[0])))]);
  fillRows($("queue"), queue, (place) => `${place.session}`, (place) => [num(place.position),
    id(place.session), mode(place), age(place), place.label, wide(place.note)]);
  const more = lock ? lock.waiters - queue.length : 0;
  say($("queue-more"), more > 0 ? `and ${number(more)} more` : "");
}

// ---- events ---------------------------------------------------------------------------------------

async function pollEvents() {
  const { events } = state;
  if (events.paused) return;
  const first = events.upto === null;
  const answer = await ask("events", first ? null : { after: events.upto });
  if (!first && answer.upto < events.upto) events.list = []; // another cluster, or an older state
  events.upto = answer.upto;
  const seen = first ? "earlier" : clock();
  events.list = [...answer.events.map((event) => ({ ...event, seen })).reverse(), ...events.list].slice(0, EVENTS);
  fillRows($("events"), events.list, (event) => String(event.number), (event) => [wide(event.seen),
    { text: event.what, className: event.what === "lost" ? "bad" : "" }, lockLink(event.name),
    id(event.session), { text: event.token > 0 ? event.token : "", className: "num wide" },
    wide(event.label)]);
  if (answer.skipped > 0) say($("events-says"), `${number(answer.skipped)} passed too fast to be shown, or are forgotten`);
  else say($("events-says"), events.list.length === 0 ? "Nothing has happened yet." : "");
}

// Whether the node takes actions: it may be started anew with another answer.
async function askActions() {
  const answer = await ask("actions");
  act.setActions(answer ? answer.actions : [], () => {
    state.asked = "";
    tick();
  });
  if (answer && answer.actions.length > 0) state.members = (await ask("members")).members;
  state.actions = true;
}

// ---- again and again --------------------------------------------------------------------------------

const polls = { cluster: pollCluster, locks: pollLocks, lock: pollLock, sessions: pollSessions, events: pollEvents };
let timer = null, running = false, again = false;

async function tick() {
  if (running) {
    again = true;
    return;
  }
  clearTimeout(timer);
  if (document.hidden) return;
  running = true;
  const start = performance.now();
  try {
    do {
      again = false;
      state.status = await ask("status");
      if (!state.actions) await askActions();
      act.setCluster(state.status, state.members);
      sayLead();
      await polls[state.view]();
    } while (again);
    found();
  } catch (error) {
    state.asked = "";
    state.drawn = -Infinity;
    state.actions = false;
    lost(error);
  }
  running = false;
  timer = setTimeout(tick, Math.max(1000, 20 * (performance.now() - start)));
}

function route() {
  const [, view = "", rest = ""] = /^#\/(\w*)\/?(.*)$/.exec(location.hash) || [];
  const before = state.view;
  state.view = views.includes(view) ? view : "cluster";
  try {
    state.lock = state.view === "lock" ? decodeURIComponent(rest) : "";
  } catch {
    state.view = "locks";
  }
  for (const name of views) $(`view-${name}`).hidden = name !== state.view;
  const shown = state.view === "lock" ? "locks" : state.view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.getAttribute("href") === (shown === "cluster" ? "#/" : `#/${shown}`)) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  say($("lock-name"), state.lock);
  if (state.view === "lock") $("lock-name").focus();
  if (before !== state.view) {
    scrollTo(0, 0);
    act.forgetTold();
  }
  state.asked = "";
  state.drawn = -Infinity;
  tick();
}

let typing = null;
for (const what of ["locks", "sessions"]) {
  const fresh = () => {
    state.offset[what] = 0;
    tick();
  };
  const move = (by) => {
    state.offset[what] = Math.max(0, state.offset[what] + by);
    tick();
  };
  $(`${what}-form`).addEventListener("submit", (event) => event.preventDefault());
  $(`${what}-search`).addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(fresh, 200);
  });
  $(`${what}-prev`).addEventListener("click", () => move(-PAGE));
  $(`${what}-next`).addEventListener("click", () => move(PAGE));
  if (what === "locks") $("locks-sort").addEventListener("change", fresh);
}
$("events-pause").addEventListener("click", () => {
  state.events.paused = !state.events.paused;
  $("events-pause").setAttribute("aria-pressed", String(state.events.paused));
  say($("events-pause"), state.events.paused ? "Go on" : "Pause");
  tick();
});
document.addEventListener("keydown", (event) => {
  if ($("act").open) return;
  const types = event.target.matches("input, select");
  if (event.key === "/" && !types && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    location.hash = "#/locks";
    route();
    $("locks-search").focus();
  } else if (event.key === "Escape" && state.view === "lock") location.hash = "#/locks";
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("main").focus();
});
addEventListener("hashchange", route);
document.addEventListener("visibilitychange", tick);
route();
