// What the page must do, in the order of a visit: see page.sh.

import assert from "node:assert/strict";
import { open, Stage } from "./browser.mjs";

const [, , program, profile] = process.argv;
const LOCKS = 10000, ROWS_MAX = 100;
const odd = '<b>bold</b> & "quoted"';
const stage = await Stage.start(program);
const context = await open(profile);
const page = context.pages()[0];
const wrong = [];
page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
page.on("dialog", (dialog) => wrong.push(`a dialog: ${dialog.message()}`));
page.on("console", (message) => {
  // A node that is dead refuses connections; a lock that nobody holds is not found; a token is wrong.
  if (message.type() === "error" && !/ERR_CONNECTION|ERR_EMPTY_RESPONSE|404|401/.test(message.text())) wrong.push(message.text());
});

const see = (selector, text) => page.locator(selector, { hasText: text }).first().waitFor();
const gone = (selector) => page.locator(selector).first().waitFor({ state: "hidden" });
const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.getAttribute("aria-label") || document.activeElement.textContent);
const rows = (id) => page.locator(`#${id} tr`).count();
const go = (hash) => page.evaluate((to) => { location.hash = to; }, hash);

// Press KEY until the focus is on what has the id or text WANTED.
async function reach(wanted, key = "Tab") {
  for (let i = 0; i < 60; i++) {
    if ((await focused()) === wanted) return;
    await page.keyboard.press(key);
  }
  assert.fail(`the keyboard does not reach ${wanted}`);
}

async function step(name, fn) {
  const start = Date.now();
  try {
    await fn();
  } catch (error) {
    console.log(`FAILED: ${name}\n${error.stack}`);
    await page.screenshot({ path: `${profile}.failed.png` });
    console.log(`what was to be seen: ${profile}.failed.png`);
    console.log(wrong.join("\n"));
    await context.close();
    await stage.end();
    process.exit(1);
  }
  console.log(`ok: ${name} (${Date.now() - start} ms)`);
}

await stage.tell("scene");

await step("the cluster: who leads, how far the nodes are, what is waited for most", async () => {
  await page.goto(stage.address);
  await see("#lead", "Node 1 leads, term");
  await see("#since", "this is node 3");
  await see("#nodes li", "Node 1: leads");
  await see("#nodes li", "Node 3 (this one): follows");
  await see("#nodes .far", /^entry [1-9][0-9,]*$/);
  await see("#busiest tr:first-child", "deploy/web");
  await see("#totals div", /^waiting6$/);
  await see("#curve-waiting .now", /^[0-9]/);
});

await step("everything is reached by keyboard alone", async () => {
  await reach("Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "main");
  await reach("Locks", "Shift+Tab");
  await page.keyboard.press("Enter");
  await see("#locks tr", "backup");
  await page.keyboard.press("/");
  assert.equal(await focused(), "locks-search");
  await page.keyboard.type("BOLD");
  await see("#locks-count", "1 to 1 of 1");
  await reach(odd);
  await page.keyboard.press("Enter");
  await see("#lock-name", odd);
  await page.keyboard.press("Escape");
  await see("#locks tr", odd);
  await reach("locks-search");
  await page.keyboard.press("Control+A");
  await page.keyboard.press("Delete");
  await see("#locks tr", "scheduler");
});

await step("a search looks at labels, and finds nothing where there is nothing", async () => {
  await page.fill("#locks-search", "farm-0");
  await see("#locks-count", "1 to 1 of 1");
  await see("#locks tr", "farm-01 and 2 more");
  await page.fill("#locks-search", "no such lock");
  await see("#locks-count", "none");
  assert.equal(await rows("locks"), 0);
  await page.fill("#locks-search", "");
  await page.selectOption("#locks-sort", "name");
  await see("#locks tr:first-child", odd);
  await page.selectOption("#locks-sort", "age");
  await see("#locks tr:first-child", "deploy/web");
});

await step("a list that is too long is looked at so far, and says so", async () => {
  const short = (route) => route.fulfill({ json: { locks: [{ lock: "seen", limit: 0, waiters: 0, holders: [] }], more: true, looked: 100000 } });
  await page.route("**/v1/locks?*", short);
  await page.fill("#locks-search", "see");
  await see("#locks-count", "1 to 1 of the first 100,000 by name");
  assert.ok(await page.locator("#locks-next").isDisabled());
  await page.unroute("**/v1/locks?*", short);
  await page.fill("#locks-search", "");
});

await step("names, labels and notes are text", async () => {
  await go(`#/lock/${encodeURIComponent(odd)}`);
  await see("#holders", "<img src=x onerror=alert(1)>");
  await see("#holders", "<script>alert(2)</script>");
  assert.equal(await page.locator("main b, main img, main script").count(), 0);
});

await step("one lock: holders and queue as they change", async () => {
  await go("#/lock/deploy%2Fweb");
  await see("#lock-says", "Held; 3 waiting.");
  await see("#holders tr", "ann@build-1");
  await stage.tell("pass deploy/web");
  await see("#holders tr", "kim@build-2");
  await see("#lock-says", "Held; 2 waiting.");
  await see("#queue tr:first-child", "lee@build-3");
  assert.equal(await rows("queue"), 2);
  // Both get older while nothing changes.
  await see("#holders tr:first-child td:nth-child(4)", /^[3-9] s$/);
  await see("#queue tr:first-child td:nth-child(4)", /^([3-9]|[1-5][0-9]) s$|min$/);
  await go("#/lock/render");
  await see("#lock-says", "2 waiting; limit 3.");
  assert.equal(await rows("holders"), 3);
  await go("#/lock/no%20such");
  await see("#lock-says", "Nobody holds it");
});

await step("sessions", async () => {
  await go("#/sessions");
  await see("#sessions tr", "cron@alpha:9000");
  await see("#sessions-count", "1 to 14 of 14");
  await page.fill("#sessions-search", "build-");
  await see("#sessions-count", "1 to 4 of 4");
});

await step("events as they come, and none while they are paused", async () => {
  await go("#/events");
  await see("#events tr", "ann@build-1");
  await stage.tell("pass backup");
  await see("#events tr:first-child", "granted");
  await see("#events tr:first-child", "root@db-2");
  await page.click("#events-pause");
  await stage.tell("pass scheduler");
  await page.waitForResponse((answer) => answer.url().endsWith("/v1/status"));
  assert.equal(await page.locator("#events tr", { hasText: "released" }).filter({ hasText: "scheduler" }).count(), 0);
  await page.click("#events-pause");
  await see("#events tr:first-child", "scheduler");
});

await step("dark and light, as the system says", async () => {
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await back();
  await page.emulateMedia({ colorScheme: "light" });
  assert.notEqual(await back(), dark);
});

await step("360 pixels are wide enough for every view", async () => {
  await page.setViewportSize({ width: 360, height: 700 });
  for (const [hash, asks] of [["#/", "/members"], ["#/locks", "/locks?"], [`#/lock/${encodeURIComponent(odd)}`, "/locks/"],
    ["#/sessions", "/sessions?"], ["#/events", "/events"]]) {
    const answered = page.waitForResponse((answer) => answer.ok() && answer.url().includes(asks));
    await go(hash);
    await answered;
    await page.evaluate(() => new Promise(requestAnimationFrame));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `${hash} is ${wide} pixels wide`);
  }
  await page.setViewportSize({ width: 1100, height: 800 });
});

await step("10,000 locks: few rows, no stutter, and every one is found", async () => {
  await stage.tell("fill");
  await go("#/locks");
  await see("#locks-count", /^1 to 100 of (9,9|10,)/);
  // The longest that the page kept the browser from drawing, while it asks, sorts and turns pages. A
  // machine that is busy with other things gets two more chances.
  await page.evaluate(() => {
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
    }).observe({ type: "longtask" });
  });
  let longest = Infinity;
  for (let chance = 0; chance < 3 && longest >= 200; chance++) {
    await page.evaluate(() => { window.longest = 0; });
    for (const sort of ["name", "age", "waiters"]) {
      const answered = page.waitForResponse((answer) => answer.url().includes(`sort=${sort}`));
      await page.selectOption("#locks-sort", sort);
      await answered;
      await page.click("#locks-next");
      await see("#locks-count", /^101 to 200 of/);
      assert.equal(await rows("locks"), ROWS_MAX);
    }
    longest = await page.evaluate(() => window.longest);
  }
  assert.ok(longest < 200, `the page stood still for ${longest} ms`);
  await page.fill("#locks-search", "item/07777");
  await see("#locks tr:first-child", "item/07777");
  await see("#locks-count", "1 to 1 of 1");
  const status = await (await fetch(`${stage.address}/v1/status`)).json();
  assert.ok(status.locks > LOCKS - 200, `${status.locks} locks`);
  await page.fill("#locks-search", "");
});

// ---- an operator, on the leader's page --------------------------------------------------------

// The button with LABEL is reached and pressed by the keyboard, and the dialog opens.
async function press(label) {
  await page.locator(`[aria-label="${label}"]`).waitFor();
  await page.evaluate(() => document.querySelector("#main").focus());
  await reach(label);
  await page.keyboard.press("Enter");
  await page.locator("#act[open]").waitFor();
}

// The number of the session whose label begins with LABEL.
async function session(label) {
  const { sessions } = await (await fetch(`${stage.address}/v1/sessions`)).json();
  return sessions.find((one) => one.label.startsWith(label)).session;
}

await step("a wrong token is forgotten, also when the dialog is left before the answer", async () => {
  let answers;
  const left = new Promise((resolve) => { answers = resolve; });
  const late = async (route) => { await left; await route.continue(); };
  await page.route("**/v1/close", late);
  await page.goto(`${stage.addresses[1]}/#/sessions`);
  await page.fill("#sessions-search", "pid 990");
  const label = `Close session ${await session("ann@build-1 pid 990")}`;
  await press(label);
  await page.keyboard.type("wrong-wrong-wrong-wrong");
  await page.keyboard.press("Enter");
  await see("#act-do", "Asking");
  await page.keyboard.press("Escape");
  await gone("#act");
  answers();
  await see("#did-text", "the token is wrong");
  await page.unroute("**/v1/close", late);
  await press(label);
  assert.equal(await focused(), "act-token");
  await page.keyboard.press("Escape");
  await gone("#act");
});

await step("an action by keyboard alone: the token is asked once, a wrong one is refused", async () => {
  await page.goto(`${stage.addresses[1]}/#/sessions`);
  await page.fill("#sessions-search", "pid 990");
  const id = await session("ann@build-1 pid 990");
  await press(`Close session ${id}`);
  await see("#act-lines", "ann@build-1 pid 990 ./migrate");
  await see("#act-lines", "It holds 1 lock and waits for 0 locks");
  assert.equal(await focused(), "act-token");
  await page.keyboard.type("short");
  await page.keyboard.press("Enter");
  await see("#act-error", "16 letters");
  await page.keyboard.press("Control+A");
  await page.keyboard.type("wrong-wrong-wrong-wrong");
  await page.keyboard.press("Enter");
  await see("#act-error", "The token is wrong.");
  assert.equal(await focused(), "act-token");
  await page.keyboard.type(stage.token);
  await page.keyboard.press("Enter");
  await see("#did-text", `Session ${id} is closed.`);
  await gone("#act");
  await see("#sessions-count", "none");
  const kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie, document.querySelector("#act-token").value]);
  assert.deepEqual(kept, [0, 0, "", ""]);
});

await step("a dialog is left without an action, and the focus goes back", async () => {
  await go("#/lock/deploy%2Fweb");
  const label = `End the hold of session ${await session("kim@build-2")}`;
  await press(label);
  await see("#act-lines", "kim@build-2 pid 77 ./deploy.sh");
  await see("#act-lines", "Next in line is session");
  assert.ok(await page.locator("#act-token").isHidden());
  assert.equal(await focused(), "act-cancel");
  await page.keyboard.press("Escape");
  await gone("#act");
  assert.equal(await page.evaluate(() => location.hash), "#/lock/deploy%2Fweb");
  assert.equal(await focused(), label);
  await see("#holders tr", "kim@build-2");
  await page.keyboard.press("Enter");
  await reach("act-do");
  await page.keyboard.press("Enter");
  await see("#did-text", "The hold of deploy/web by session");
  await see("#holders tr", "lee@build-3");
});

await step("360 pixels are wide enough for a dialog and the buttons", async () => {
  await page.setViewportSize({ width: 360, height: 640 });
  await page.locator("#sessions-search").evaluate((input) => { input.value = ""; });
  await press(`End the hold of session ${await session("lee@build-3")}`);
  const box = await page.locator("#act").boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= 360 && box.y >= 0 && box.y + box.height <= 640, JSON.stringify(box));
  await page.keyboard.press("Escape");
  for (const hash of ["#/lock/deploy%2Fweb", "#/", "#/sessions"]) {
    await go(hash);
    await page.locator("[aria-label^='End '], [aria-label^='Drain '], [aria-label^='Close ']").locator("visible=true").first().waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `${hash} is ${wide} pixels wide`);
  }
  await page.setViewportSize({ width: 1100, height: 800 });
});

await step("nodes are drained, and lead when they are told to", async () => {
  await go("#/");
  await press("Drain node 2");
  await see("#act-lines", "Node 2 does not lead.");
  await reach("act-do");
  await page.keyboard.press("Enter");
  await see("#nodes li", "; drained");
  await press("Let node 2 lead again");
  await reach("act-do");
  await page.keyboard.press("Enter");
  await see("#did-text", "Node 2 is drained no longer.");
  await press("Hand the lead to node 2");
  await see("#act-lines", "Node 1 leads now.");
  await reach("act-do");
  await page.keyboard.press("Enter");
  await see("#did-text", "The lead is handed to node 2.");
  await see("#lead", "Node 2 leads");
  await press("Drain node 3"); // this node leads no more
  await see("#act-lines", "Node 2 leads, and actions are done there.");
  assert.ok(await page.locator("#act-do").isHidden());
  await page.keyboard.press("Escape");
  await page.goto(stage.addresses[2]); // its token was forgotten with the page
  await press("Hand the lead to node 1");
  await page.keyboard.type(stage.token);
  await page.keyboard.press("Enter");
  await see("#lead", "Node 1 leads");
});

await step("a node that takes no actions has no buttons", async () => {
  const none = (route) => route.fulfill({ json: { actions: [] } });
  await page.route("**/v1/actions", none);
  await page.goto("about:blank");
  await page.goto(stage.address);
  await see("#nodes li", "Node 3 (this one): follows");
  assert.equal(await page.locator("main button").locator("visible=true").count(), 0);
  await page.unroute("**/v1/actions", none);
});

await step("the leader dies: who leads then, and who is not heard", async () => {
  await go("#/");
  await stage.tell("kill 1");
  await see("#lead", "Node 2 leads, term");
  await see("#nodes li", "Node 1: not heard");
});

await step("the node itself dies: the page says so, and goes on when it is back", async () => {
  await stage.tell("kill 3");
  await see("#banner", "This node does not answer, since");
  assert.ok(await page.locator("#nodes li").first().isVisible(), "what was seen before stays");
  await stage.tell("start 3");
  await gone("#banner");
  await see("#lead", /Node [23] leads, term/);
  await see("#totals div", /^sessions14$/);
});

assert.deepEqual(wrong, []);
await context.close();
assert.equal(await stage.end(), 0, "the nodes ended badly");
