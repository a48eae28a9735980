// A browser and a cluster for it to look at.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

// The cluster of page_stage.c: the pages of its nodes by their ids, of which that of the last is looked
// at, the token, and commands.
export class Stage {
  static async start(program) {
    const self = new Stage();
    self.process = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
    self.ended = new Promise((resolve) => self.process.on("exit", resolve));
    self.lines = createInterface({ input: self.process.stdout })[Symbol.asyncIterator]();
    const words = (await self.line()).split(" ");
    self.token = words.pop();
    self.addresses = [null, ...words];
    self.address = words.at(-1);
    return self;
  }
  async line() {
    const { value, done } = await this.lines.next();
    if (done) throw new Error("the stage has ended");
    return value;
  }
  async tell(command) {
    this.process.stdin.write(`${command}\n`);
    const answer = await this.line();
    if (answer !== "ok") throw new Error(`${command}: ${answer}`);
  }
  // Its exit code.
  end() {
    this.process.stdin.end();
    return this.ended;
  }
}

// PROFILE: an empty folder.
export async function open(profile) {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    headless: true,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
      "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  context.setDefaultTimeout(60000);
  return context;
}
