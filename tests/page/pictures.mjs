// Pictures of the page for the documents: see page.sh. The load is real, and takes some minutes.

import { open, Stage } from "./browser.mjs";

const [, , program, profile, folder] = process.argv;
const MINUTES = Number(process.env.HF_PAGE_MINUTES || 4);
const stage = await Stage.start(program);
const context = await open(profile);
const page = context.pages()[0];

// As without --http-admin, unless the page ACTS; then that of the leader, with the dialog open.
async function picture(name, hash, scheme, width, height, acts = false) {
  await page.emulateMedia({ colorScheme: scheme });
  await page.setViewportSize({ width, height });
  await page.goto("about:blank");
  const answered = page.waitForResponse((answer) => /v1\/(locks|sessions|events)/.test(answer.url()));
  await page.route("**/v1/actions", (route) => (acts ? route.continue() : route.fulfill({ json: { actions: [] } })));
  await page.goto(`${acts ? stage.addresses[1] : stage.address}/${hash}`);
  await answered;
  await page.waitForResponse((answer) => answer.url().endsWith("/v1/status"));
  if (acts) await page.locator("[aria-label^='End the hold']").first().click();
  await page.screenshot({ path: `${folder}/page-${name}.png` });
  await page.unrouteAll();
}

// Now more, now less: who holds a lock of the scene gives it back, and asks again.
await stage.tell("scene");
const end = Date.now() + MINUTES * 60000;
for (let turn = 0; Date.now() < end; turn++) await stage.tell(`turns ${10 + 8 * (turn % 7)}`);

await picture("cluster", "#/", "light", 860, 760);
await picture("lock", "#/lock/deploy%2Fweb", "dark", 860, 560);
await picture("act", "#/lock/deploy%2Fweb", "light", 860, 560, true);
await stage.tell("fill");
await picture("narrow", "#/locks", "dark", 360, 640);
await context.close();
process.exit(await stage.end());
