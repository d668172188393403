// Starts a real Chromium for the page's tests and pictures.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const flags = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

/** Runs work with a browser of its own; nothing is left of it afterwards. */
export async function withBrowser(options, work) {
  const profile = await mkdtemp(join(tmpdir(), "dhamani-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.DHAMANI_CHROMIUM || "/usr/bin/chromium",
    headless: true,
    args: flags,
    viewport: { width: 1366, height: 768 },
    locale: "en-US",
    timezoneId: "Asia/Baghdad",
    ...options,
  });
  try {
    return await work(context);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
}

/** Opens the page at address (with its one-time code) in a language. */
export async function openPage(context, address, language) {
  const page = context.pages()[0] ?? (await context.newPage());
  const { origin } = new URL(address);
  if (language) await context.addCookies([{ name: "dhamani_language", value: language, url: origin }]);
  await page.goto(address);
  await page.waitForSelector("#visit:not([hidden]), #waiting:not([hidden]), #closed:not([hidden])");
  await page.evaluate(() => document.fonts.ready);
  return page;
}
