// The checks of page.mjs that are about costs and corrections.

const bare = (v) => {
  if (Array.isArray(v)) return v.map(bare);
  if (v === null || typeof v !== "object") return v;
  return Object.fromEntries(Object.keys(v).filter((k) => k !== "display" && k !== "displays").sort().map((k) => [k, bare(v[k])]));
};
const same = (x) => JSON.stringify(bare(x));

/** Runs those that need an entry with an answered alert, the newest that was written. */
export async function checkAnswered({ page, check, equal }) {
  await check("a correction keeps the answers to alerts", async () => {
    const entry = page.locator("#history details:not(.struck)").first();
    await entry.locator("summary").click();
    await entry.locator(".amend button").first().click();
    await equal("carried over", () => page.locator("#writer [name=keep]:checked").count(), 1);
    await page.fill("[name=why]", "seen again");
    const sent = page.waitForRequest((r) => r.method() === "POST" && r.url().endsWith("/entries"));
    await page.click("#writer button[type=submit]");
    const { overrides } = JSON.parse((await sent).postData());
    await equal("answers", same(overrides), same([
      { rule: "allergy-same", kind: "allergy", about: [{ system: "atc", code: "J01CA04" }, { system: "atc", code: "J01CR02" }], reason: "no-alternative", note: "under watch" },
    ]));
    await page.waitForSelector(".outcome");
    await page.click(".outcome button");
  });
}

/** Runs them on the page with the record of the test patient, in Arabic. */
export async function checkForms({ page, check, equal, holds, language, text, shot, accessible }) {
  const submit = "#writer button[type=submit]";
  const first = '[data-entry^="656e747279206e756d6265722030"]'; // "entry number 0"
  const focused = () => page.evaluate(() => document.activeElement.name);
  const sending = () => page.waitForRequest((r) => r.method() === "POST" && r.url().endsWith("/entries"));
  const posted = async (sent) => JSON.parse((await sent).postData());

  await check("a cost is reckoned while it is typed, and written", async () => {
    await page.click("#new");
    await page.fill("[name=total]", "٢٥٬٠٠٠");
    await holds("the patient's part is not told", async () => (await text(".estimate")).includes("٦٬٢٥٠"));
    await holds("the insurer's part is not told", async () => (await text(".estimate")).includes("١٨٬٧٥٠"));
    for (const [tag, sum] of [["ckb", "٦٬٢٥٠"], ["en", "6,250"], ["ar", "٦٬٢٥٠"]]) {
      await language(tag);
      await holds(`estimate in ${tag}`, async () => (await text(".estimate")).includes(sum));
      await accessible(`form with a cost in ${tag}`);
      await shot(`cost-${tag}`);
    }
    await page.fill("[name=share]", "۲۶۰۰۰");
    await page.click(submit);
    await equal("focus on a share that is too much", focused, "share");
    await page.fill("[name=share]", "");
    await page.fill("[name=total]", "12,5");
    await page.click(submit);
    await equal("focus on what is no sum", focused, "total");
    await holds("the estimate of what is no sum", async () => (await text(".estimate")) === "");
    await page.fill("[name=total]", "25 000");
    await page.selectOption("[name=service]", "dental");
    const sent = sending();
    await page.click(submit);
    const entry = await posted(sent);
    await equal("cost", same(entry.cost), '{"service":"dental","total":25000}');
    await page.waitForSelector(".outcome");
    await page.click(".outcome button");
  });

  await check("an entry is corrected, and what has no field stays", async () => {
    await page.locator(`${first} > summary`).click();
    await page.locator(`${first} .amend button`).first().click();
    await equal("focus", focused, "why");
    await equal("reason of the visit", () => page.inputValue("[name=reason]"), "سعال منذ أسبوع");
    await equal("total", () => page.inputValue("[name=total]"), "20000");
    await equal("share", () => page.inputValue("[name=share]"), "5000");
    await equal("carried over", () => page.locator("#writer [name=keep]:checked").count(), 3);
    await page.click(submit);
    await equal("focus without a reason", focused, "why");
    await page.fill("[name=why]", "طُبع خطأ");
    await page.fill("[name=note]", "تُراجع بعد أسبوع.");
    for (const tag of ["ckb", "en", "ar"]) {
      await language(tag);
      await equal(`note in ${tag}`, () => page.inputValue("[name=note]"), "تُراجع بعد أسبوع.");
      await equal(`carried over in ${tag}`, () => page.locator("#writer [name=keep]:checked").count(), 3);
      await accessible(`a correction in ${tag}`);
      await shot(`correct-${tag}`);
    }
    await page.locator("#writer [name=keep]").nth(1).uncheck();
    const sent = sending();
    await page.click(submit);
    const entry = await posted(sent);
    await holds(`start ${entry.start}`, Math.abs(Date.now() - Date.parse(entry.start) - 20 * 86_400_000) < 2 * 86_400_000);
    delete entry.start;
    await equal("correction", same(entry), same({
      class: "ambulatory", minutes: 15, amends: entry.amends, reasons: [{ system: "text", code: "سعال منذ أسبوع" }],
      diagnoses: [{ code: { system: "icd10", code: "J20" }, certainty: "provisional" }],
      observations: [{ code: { system: "loinc", code: "4548-4" }, category: "laboratory", value: { quantity: { value: 7.9, unit: "%" } }, interpretation: "H" }],
      notes: [{ text: "تُراجع بعد أسبوع." }, { text: "طُبع خطأ", kind: "correction" }], cost: { total: 20000, patient: 5000 }, overrides: entry.overrides,
    }));
    await holds(`amends ${entry.amends}`, entry.amends.startsWith("656e747279206e756d6265722030"));
    await page.waitForSelector(".outcome");
    await page.click(".outcome button");
    await page.waitForSelector(`${first}.struck`);
    await equal("ways to correct it again", () => page.locator(`${first} .amend`).count(), 0);
    await accessible("a corrected entry");
    await shot("corrected-ar");
    const right = page.locator("#history details").first();
    await right.locator("summary").click();
    for (const [tag, words] of [["ckb", "هۆی ڕاستکردنەوە:"], ["en", "Why corrected:"], ["ar", "سبب التصحيح:"]]) {
      await language(tag);
      const said = await right.locator("li", { hasText: "طُبع خطأ" }).textContent();
      await holds(`why it was corrected, in ${tag}: ${said}`, said.startsWith(words) && said.endsWith("طُبع خطأ"));
      await accessible(`a correction that is open, in ${tag}`);
    }
    await right.locator("summary").click();
    await page.locator(`${first} > summary`).click();
  });

  await check("a correction that changes nothing sends what was there", async () => {
    const entry = page.locator("#history details", { hasText: "وجع غريب في اليد" }).first();
    await entry.locator("summary").click();
    const id = await entry.getAttribute("data-entry");
    const before = await page.evaluate(async (of) => {
      const token = localStorage.getItem("dhamani_token");
      const visits = await (await fetch("/v1/visits", { headers: { "Dhamani-Token": token } })).json();
      return visits.flatMap((v) => v.entries).find((e) => e.id === of).entry;
    }, id);
    await entry.locator(".amend button").first().click();
    await equal("carried over", () => page.locator("#writer [name=keep]").count(), 0);
    await language("en"); // what stands for a code stays the code
    await page.fill("[name=why]", "no reason");
    const sent = sending();
    await page.click(submit);
    const body = (await sent).postData();
    await holds(`7.0 lost its zero: ${body}`, body.includes('"value":7.0'));
    const { amends, notes, overrides, ...after } = JSON.parse(body);
    await equal("amends", amends, id);
    await equal("notes", JSON.stringify(notes), JSON.stringify([...before.notes, { text: "no reason", kind: "correction" }]));
    delete before.notes;
    delete before.overrides;
    await equal("the rest", same(after), same(before));
    await holds("answers to alerts", overrides === undefined || overrides.length === 0);
    await page.waitForSelector(".outcome");
    await page.click(".outcome button");
    await page.waitForSelector(`[data-entry="${id}"].struck`);
    await language("ar");
  });

  await check("an entry is marked as entered in error, with the keyboard alone", async () => {
    const entry = page.locator("#history details:not(.struck)", { hasText: "وجع غريب في اليد" }).first();
    const id = await entry.getAttribute("data-entry");
    await entry.locator("summary").focus();
    await page.keyboard.press("Enter");
    await entry.locator(".amend button").last().focus();
    await page.keyboard.press("Enter");
    await equal("focus", focused, "why");
    await page.keyboard.type("مريض آخر");
    for (const tag of ["ckb", "en", "ar"]) {
      await language(tag);
      await accessible(`entered in error in ${tag}`);
      await shot(`inerror-${tag}`);
    }
    await page.locator("[name=why]").focus();
    const sent = sending();
    await page.keyboard.press("Enter");
    await equal("entry", same(await posted(sent)), same({
      class: "ambulatory", amends: id, entered_in_error: true, notes: [{ text: "مريض آخر", kind: "correction" }], overrides: [],
    }));
    await page.waitForSelector(".outcome");
    await page.click(".outcome button");
    await page.waitForSelector(`[data-entry="${id}"].struck`);
    await equal("ways to correct what says so", () => page.locator("#history .entry.struck .amend button").count(), 0);
  });

  await check("a write whose answer was lost is sent again as it was", async () => {
    const bodies = [];
    await page.route("**/entries", async (route) => {
      bodies.push(route.request().postData());
      if (bodies.length > 1) return route.continue();
      await route.fetch(); // it is written, and nobody hears of it
      await route.abort();
    });
    const before = await page.locator("#history details").count();
    await page.click("#new");
    await page.fill("[name=note]", "once");
    await page.keyboard.press("Tab");
    await page.click(submit);
    await holds("nobody is told", async () => (await text(".form-error")).length > 10);
    await language("en");
    await equal("what may be changed", () => page.locator("#writer :is(input, textarea):not([readonly], [type=checkbox])").count(), 0);
    await accessible("a form that may be written");
    await page.click(submit);
    await page.waitForSelector(".outcome");
    await equal("what was sent again", bodies[1], bodies[0]);
    await equal("entries", () => page.locator("#history details").count(), before + 1);
    await page.unroute("**/entries");
    await page.click(".outcome button");
    await language("ar");
  });

  await check("a form that was left does not take the next one away", async () => {
    let go;
    const going = new Promise((resolve) => { go = resolve; });
    await page.route("**/entries", async (route) => {
      await going;
      await route.continue();
    });
    const before = await page.locator("#history details").count();
    await page.click("#new");
    await page.fill("[name=note]", "left behind");
    const asked = page.waitForRequest("**/entries");
    await page.click(submit);
    await asked;
    await page.click("#writer .send .plain");
    await page.click("#new");
    await page.fill("[name=note]", "the next one");
    const answered = page.waitForResponse("**/entries");
    go();
    await (await answered).finished();
    await equal("entries", () => page.locator("#history details").count(), before + 1);
    await equal("note", () => page.inputValue("[name=note]"), "the next one");
    await page.unroute("**/entries");
    await page.fill("[name=note]", "");
    await page.click("#writer .send .plain");
  });
}
