// Takes a picture of the page: node shot.mjs URL OUT [LANG] [WIDTHxHEIGHT]
// URL is what the agent's page code command prints; it works once.

import { openPage, withBrowser } from "./browser.mjs";

const [address, out, language = "ar", size = "1366x900"] = process.argv.slice(2);
if (!address || !out) {
  process.stderr.write("usage: node shot.mjs URL OUT [ar|ckb|en] [WIDTHxHEIGHT]\n");
  process.exit(2);
}
const [width, height] = size.split("x").map(Number);
await withBrowser({ viewport: { width, height }, deviceScaleFactor: 1 }, async (context) => {
  const page = await openPage(context, address, language);
  const entry = page.locator("#history details summary").first();
  if (await entry.isVisible()) await entry.click();
  await page.mouse.move(0, 0);
  await page.screenshot({ path: out, fullPage: true, animations: "disabled" });
});
