// Checks the reception page in a real browser against a test agent, and prints
// a line of JSON {name, error} for each check: node page.mjs PAGE CONTROL [SHOTS]
// CONTROL is the test's own server, which plays the clinic.

import { mkdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { openPage, withBrowser } from "./browser.mjs";
import { checkAnswered, checkForms } from "./forms.mjs";

const [home, control, shots] = process.argv.slice(2);
const axePath = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
if (shots) await mkdir(shots, { recursive: true });

const play = async (action) => {
  const answer = await fetch(control + action);
  if (!answer.ok) throw new Error(`${action}: ${answer.status}`);
  return answer.text();
};
const patience = 20_000; // ms: the page may be slow where all tests run at once

/** Reads until what is read is wanted; the last reading is the error's. */
async function until(wanted, read) {
  const end = Date.now() + patience;
  for (;;) {
    const got = await read();
    if (wanted(got) || Date.now() > end) return got;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
/** Holds what is read against want. A function is asked until it agrees. */
async function equal(what, got, want) {
  if (typeof got === "function") got = await until((value) => value === want, got);
  if (got !== want) throw new Error(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}
/** Holds that yes is so. A function is asked until it is. */
async function holds(what, yes) {
  if (typeof yes === "function") yes = await until(Boolean, yes);
  if (!yes) throw new Error(what);
}
async function check(name, work) {
  let error = "";
  try {
    await work();
  } catch (e) {
    error = String(e?.message ?? e).slice(0, 2000);
  }
  process.stdout.write(`${JSON.stringify({ name, error })}\n`);
}

await withBrowser({}, async (context) => {
  context.setDefaultTimeout(patience);
  const trouble = [];
  const page = context.pages()[0] ?? (await context.newPage());
  page.on("pageerror", (e) => trouble.push(`error: ${e.message}`));
  page.on("console", (m) => m.type() === "error" && !/Failed to load resource|TrustedHTML/.test(m.text()) && trouble.push(`console: ${m.text()}`));
  page.on("request", (r) => !r.url().startsWith(home) && trouble.push(`request to ${r.url()}`));

  const language = (tag) => page.click(`[data-language=${tag}]`);
  const text = (selector) => page.locator(selector).innerText();
  const shot = async (name) => shots && page.screenshot({ path: join(shots, `${name}.png`), fullPage: true, animations: "disabled" });
  const accessible = async (where) => {
    // Trusted Types forbid injecting a script tag; the protocol may still run one.
    await page.evaluate(await (await import("node:fs/promises")).readFile(axePath, "utf8"));
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    await holds(`${where}: ${violations.map((v) => `${v.id} (${v.nodes.map((n) => `${n.target}: ${n.any?.[0]?.message ?? n.failureSummary}`).join("; ")})`).join(", ")}`, violations.length === 0);
  };

  await check("without a code the page is locked and shows nothing", async () => {
    await openPage(context, home);
    await page.waitForSelector("#closed:not([hidden])");
    await equal("direction", () => page.getAttribute("html", "dir"), "rtl");
    await equal("language", () => page.getAttribute("html", "lang"), "ar");
    await accessible("locked page");
    await shot("locked-ar");
  });

  await check("a one-time code opens the page and leaves the address", async () => {
    const address = await play("/code");
    await page.goto("about:blank");
    await openPage(context, address);
    await page.waitForSelector("#waiting:not([hidden])");
    await equal("address", page.url(), `${home}/`);
    await page.waitForSelector("#state .good");
    await accessible("waiting page");
    await shot("waiting-ar");
  });

  await check("the session's cookie is out of the scripts' reach", async () => {
    const cookies = await context.cookies(`${home}/v1/visits`);
    const session = cookies.find((c) => c.name.startsWith("dhamani_") && c.name !== "dhamani_language");
    await holds("no session cookie", session);
    await holds("not HttpOnly", session.httpOnly);
    await equal("SameSite", session.sameSite, "Strict");
    await holds("seen by scripts", async () => !(await page.evaluate(() => document.cookie)).includes(session.value));
  });

  await check("markup cannot be injected by the page's own scripts", async () => {
    const refused = await page.evaluate(() => {
      try {
        document.createElement("div").innerHTML = "<b>x</b>";
        return false;
      } catch {
        return true;
      }
    });
    await holds("innerHTML was accepted", refused);
  });

  await check("a tapped card is on the screen without a reload", async () => {
    await play("/tap");
    await page.waitForSelector("#visit:not([hidden])");
    await equal("name", () => text("#name"), "زينب حسن كاظم الموسوي");
    await holds("no red allergy", async () => (await page.locator(".alert.danger").count()) === 2);
    await holds("not covered", async () => (await text("#cover-state")).includes("مشمول"));
    await equal("entries", () => page.locator("#history details").count(), 5);
  });

  for (const [tag, dir, word, name] of [["ar", "rtl", "السجل", "زينب"], ["ckb", "rtl", "مێژوو", "زەینەب"], ["en", "ltr", "History", "Zainab"]]) {
    await check(`language ${tag}`, async () => {
      await language(tag);
      await equal("direction", () => page.getAttribute("html", "dir"), dir);
      await equal("lang", () => page.getAttribute("html", "lang"), tag);
      await equal("heading", () => text("#history-title"), word);
      await holds("name in its script", async () => (await text("#name")).includes(name));
      await holds("words missing", async () => !/\b(undefined|null|NaN|\[object)/.test(await text("body")));
      const dates = await page.locator(".entry .when").allInnerTexts();
      await holds(`digits in ${dates[0]}`, tag === "en" ? /\d{4}/.test(dates[0]) : /[٠-٩]{4}/.test(dates[0]));
      for (const id of await page.locator("bdi[dir=ltr]").all()) await equal("identifier's direction", () => id.evaluate((n) => getComputedStyle(n).direction), "ltr");
      await holds("the page is wider than the screen", () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
      await shot(`visit-${tag}`);
      await page.locator("#history summary").first().click();
      await page.waitForSelector("#history details[open] .entry-body");
      await page.locator("#history summary").nth(1).click();
      await accessible(`visit in ${tag}`);
      await shot(`visit-open-${tag}`);
      await page.locator("#history summary").nth(1).click();
      await page.locator("#history summary").first().click();
    });
  }

  await check("the language is remembered", async () => {
    await language("ckb");
    await page.reload();
    await page.waitForSelector("#visit:not([hidden])");
    await equal("language", () => page.getAttribute("html", "lang"), "ckb");
    await equal("heading", () => text("#history-title"), "مێژوو");
    await language("ar");
  });

  await check("a history entry opens with the keyboard", async () => {
    await page.locator("#history summary").first().focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("#history details[open]");
    await page.keyboard.press("Enter");
    await equal("open entries", () => page.locator("#history details[open]").count(), 0);
  });

  await check("the form says what is wrong", async () => {
    await page.click("#new");
    await page.click("#writer button[type=submit]");
    await holds("an empty form was sent", async () => (await text(".form-error")).length > 10);
    await page.fill("[name=test]", "4548-4");
    await page.fill("[name=value]", "many");
    await page.fill("[name=result-unit]", "%");
    await page.fill("[name=medicine]", "A10BA02");
    await page.fill("[name=times]", "99");
    await page.click("#writer button[type=submit]");
    await equal("marked fields", () => page.locator("#writer [aria-invalid=true]").count(), 2);
    await equal("focus", () => page.evaluate(() => document.activeElement.name), "times");
    await accessible("form with errors");
    await shot("form-errors-ar");
  });

  await check("a code is found by its words and taken with the keyboard", async () => {
    const field = page.locator("[name=diagnosis]").first();
    const options = page.locator("[role=option]:visible");
    await field.fill("ارتفاغ ضغط"); // a slip, which is forgiven
    await options.first().waitFor();
    await equal("expanded", () => field.getAttribute("aria-expanded"), "true");
    await page.keyboard.press("ArrowDown");
    await equal("option", () => page.evaluate(() => document.getElementById(document.activeElement.getAttribute("aria-activedescendant"))?.ariaSelected), "true");
    await accessible("suggestions");
    await shot("suggestions-ar");
    await page.keyboard.press("Enter");
    await equal("expanded after", () => field.getAttribute("aria-expanded"), "false");
    await holds("the code is not told", async () => (await text("fieldset[data-kind=diagnosis]")).includes("ICD-10 I"));
    await field.fill("");
    await field.fill("depress");
    await options.first().waitFor();
    await holds("a sensitive code is not marked", async () => (await options.first().locator(".tag.amber").count()) === 1);
    await page.keyboard.press("Escape");
    await equal("options after Escape", () => options.count(), 0);
    await field.fill("HIV disease");
    await field.blur();
    await page.waitForFunction(() => document.querySelector("[name=sensitive]").checked);
    await page.locator("[name=sensitive]").first().uncheck();
    await page.locator("[name=chronic]").first().uncheck();
    await field.fill("");
    const medicine = page.locator("[name=medicine]").first();
    await medicine.fill("");
    await medicine.fill("ميتفرومين");
    await options.first().waitFor();
    await options.first().click();
    await equal("medicine", () => medicine.inputValue(), "ميتفورمين");
  });

  await check("an entry is written once, shown, and followed to the centre", async () => {
    await page.fill("[name=diagnosis]", "E11");
    await page.locator("[name=diagnosis]").blur();
    await holds("code not recognised", async () => (await text("fieldset[data-kind=diagnosis]")).includes("ICD-10 E11"));
    await page.fill("[name=times]", "٢");
    await page.fill("[name=dose]", "850");
    await page.fill("[name=value]", "٧٫٠");
    await page.click("fieldset[data-kind=diagnosis] > button");
    await page.locator("[name=diagnosis]").nth(1).fill("دوخه"); // the table's word, in another spelling
    await page.locator("[name=diagnosis]").nth(1).blur(); // suggestions would lie over the button
    await page.click("fieldset[data-kind=diagnosis] > button");
    await page.locator("[name=diagnosis]").nth(2).fill("وجع غريب في اليد");
    await page.fill("[name=note]", "ملاحظة");
    const sent = page.waitForRequest((r) => r.method() === "POST" && r.url().endsWith("/entries"));
    await page.dblclick("#writer button[type=submit]");
    const body = (await sent).postData();
    await holds(`7.0 lost its zero: ${body}`, body.includes('"value":7.0'));
    const entry = JSON.parse(body);
    await equal("first diagnosis", JSON.stringify(entry.diagnoses[0].code), '{"system":"icd10","code":"E11"}');
    await equal("second diagnosis", JSON.stringify(entry.diagnoses[1].code), '{"system":"icd10","code":"R42"}');
    await equal("third diagnosis", entry.diagnoses[2].code.system, "text");
    await equal("times", entry.prescriptions[0].frequency.times, 2);
    await page.waitForSelector(".outcome .place.outbox");
    await page.waitForFunction(() => document.querySelectorAll("#history details").length === 6);
    await accessible("after a write");
    await shot("written-ar");
    await play("/synced");
    await page.waitForSelector(".outcome .place.centre");
    await equal("entries after a double click", () => page.locator("#history details").count(), 6);
    await page.click(".outcome button");
  });

  await check("a search without an answer holds nothing up", async () => {
    const hung = [];
    await page.route("**/v1/terms?*", (route) => hung.push(route)); // answered never
    await page.evaluate(() => { // the page's patience ends when endPatience is called
      const real = AbortSignal.timeout;
      const ends = [];
      AbortSignal.timeout = () => {
        const end = new AbortController();
        ends.push(end);
        return end.signal;
      };
      globalThis.endPatience = () => {
        AbortSignal.timeout = real;
        for (const end of ends) end.abort();
      };
    });
    await page.click("#new");
    const field = page.locator("[name=diagnosis]").first();
    await field.fill("sore thumb");
    await page.keyboard.press("Enter");
    await holds("nobody is told of the search", async () => (await text(".form-busy")).length > 5);
    await equal("button", () => page.getAttribute("#writer button[type=submit]", "aria-disabled"), "true");
    await accessible("a form that waits");
    await page.keyboard.type(" and more");
    await page.evaluate(() => globalThis.endPatience());
    await holds("what was typed on went out", async () => (await text(".form-error")).length > 10);
    await equal("focus", () => page.evaluate(() => document.activeElement.name), "diagnosis");
    await equal("typed", () => field.inputValue(), "sore thumb and more");
    await field.fill("sore thumb and more"); // asked once more, with the page's own patience
    const sent = page.waitForRequest((r) => r.method() === "POST" && r.url().endsWith("/entries"));
    await page.click("#writer button[type=submit]");
    await equal("diagnosis", JSON.parse((await sent).postData()).diagnoses[0].code.code, "sore thumb and more");
    await page.waitForSelector(".outcome");
    await equal("searches that were given up", () => hung.every((route) => route.request().failure() !== null), true);
    await equal("focus after", () => page.evaluate(() => document.activeElement.closest(".outcome") !== null), true);
    await page.unroute("**/v1/terms?*");
    await page.click(".outcome button");
  });

  await check("a refusal keeps what was typed", async () => {
    await play("/refuse");
    await page.click("#new");
    await page.fill("[name=note]", "kept");
    await page.click("#writer button[type=submit]");
    await page.waitForFunction(() => document.querySelector(".form-error")?.textContent.length > 5);
    await equal("note", () => page.inputValue("[name=note]"), "kept");
    await language("en");
    await equal("note in English", () => page.inputValue("[name=note]"), "kept");
    await shot("form-en");
    await language("ar");
  });

  await check("a torn write is shown as kept and open", async () => {
    await play("/torn");
    await page.click("#writer button[type=submit]");
    await page.waitForSelector(".outcome.open .place.card_unknown");
    await shot("torn-ar");
    await page.click(".outcome button");
    await play("/obey");
  });

  await checkForms({ page, check, equal, holds, language, text, shot, accessible });

  await check("what collides is told, and answered before it is written", async () => {
    await page.click("#new");
    await page.fill("[name=medicine]", "J01CR02");
    await page.locator("[name=medicine]").blur();
    await page.click("#writer button[type=submit]");
    await page.waitForSelector("#writer .check.danger");
    const entries = await page.locator("#history details").count();
    await holds("the allergy is not named", async () => (await text("#writer .check.danger")).includes("أموكسيسيلين"));
    await accessible("form with an alert");
    await shot("checks-ar");
    await language("en");
    await page.click("#writer button[type=submit]");
    await page.waitForSelector("#writer .check.danger");
    await shot("checks-en");
    await language("ckb");
    await page.click("#writer button[type=submit]");
    await page.waitForSelector("#writer .check.danger");
    await shot("checks-ckb");
    await equal("entries while nothing is answered", () => page.locator("#history details").count(), entries);
    await page.selectOption("#writer .answer select", "no-alternative");
    await page.fill("#writer .answer input", "under watch");
    const sent = page.waitForRequest((r) => r.method() === "POST" && r.url().endsWith("/entries"));
    await page.click("#writer button[type=submit]");
    const entry = JSON.parse((await sent).postData());
    await equal("override", JSON.stringify(entry.overrides), '[{"rule":"allergy-same","kind":"allergy","about":[{"system":"atc","code":"J01CA04"},{"system":"atc","code":"J01CR02"}],"reason":"no-alternative","note":"under watch"}]');
    await page.waitForSelector("#checks .check-fold");
    await page.click("#checks .check-fold > summary");
    await holds("the answer is not shown", async () => (await text("#checks")).includes("under watch"));
    await page.click(".outcome button");
    await language("ar");
    await accessible("answered alerts");
    await shot("checks-answered-ar");
  });

  await checkAnswered({ page, check, equal });

  await check("another person on the card has a record of their own", async () => {
    const child = ".people button:nth-child(2)";
    await page.click("#new");
    await page.fill("[name=note]", "half a sentence");
    await page.click(child);
    await holds("the person changed under what was typed", async () => (await text(".form-error")).length > 10);
    await equal("name", () => text("#name"), "زينب حسن كاظم الموسوي");
    await page.fill("[name=note]", "");
    await page.click(child);
    await page.waitForFunction(() => document.getElementById("name").textContent.includes("علي"));
    await equal("entries of the child", () => page.locator("#history details").count(), 0);
    await equal("forms about the holder", () => page.locator("#writer form").count(), 0);
    await equal("chosen", () => page.getAttribute(child, "aria-current"), "true");
    await page.click("#new");
    await page.fill("[name=note]", "about the child");
    const sent = page.waitForRequest((r) => r.method() === "POST" && r.url().endsWith("/entries"));
    await page.click("#writer button[type=submit]");
    await equal("person of the entry", JSON.parse((await sent).postData()).person, 1);
    await page.waitForFunction(() => document.querySelectorAll("#history details").length === 1);
    await accessible("a child's record");
    await shot("child-ar");
    await page.click(".outcome button");
    await page.click(".people button:nth-child(1)");
    await page.waitForFunction(() => document.getElementById("name").textContent.includes("زينب"));
    await holds("the holder's entries", async () => (await page.locator("#history details").count()) > 1);
  });

  await check("a PIN goes to the card and nowhere else", async () => {
    await page.fill("#pin", "9999");
    await page.click("#prove form button");
    await page.waitForFunction(() => document.querySelector("#prove .refused")?.textContent.includes("٢"));
    await equal("what was typed is gone", () => page.inputValue("#pin"), "");
    await accessible("a wrong PIN");
    await shot("pin-wrong-ar");
    await page.fill("#pin", "١٢٣٤");
    const sent = page.waitForRequest((r) => r.method() === "POST" && r.url().endsWith("/verify"));
    await page.keyboard.press("Enter");
    await equal("digits as the card knows them", (await sent).postData(), '{"pin":"1234"}');
    await page.waitForSelector("#prove .proven");
    await equal("fields for a PIN", () => page.locator("#pin").count(), 0);
    await accessible("a verified patient");
  });

  await check("a finger on the scanner verifies the patient", async () => {
    await play("/tap");
    await page.click("#prove > button");
    await page.waitForSelector("#prove .proven");
    for (const [tag, word] of [["ckb", "پەنجەگەورەی"], ["ar", "إبهام"], ["en", "right thumb"]]) {
      await language(tag);
      await holds(`words in ${tag}`, async () => (await text("#prove")).includes(word));
    }
    await shot("finger-en");
    await language("ar");
  });

  await check("failures come with an action and can be put away", async () => {
    await play("/fail");
    await page.waitForSelector(".failure[data-code=internal] .do");
    await accessible("a failure");
    await play("/offline");
    await page.waitForSelector("#state .warn");
    await shot("failure-ar");
    await page.click(".failure button");
    await equal("failures", () => page.locator("#failures .failure").count(), 0);
    await play("/synced");
  });

  await check("a removed card stops writing but stays readable", async () => {
    await play("/remove");
    await page.waitForSelector("#new:disabled");
    await holds("record gone", async () => (await page.locator("#history details").count()) > 0);
    await shot("removed-ar");
  });

  await check("a second card does not take away what is being typed", async () => {
    await play("/tap");
    await page.waitForSelector("#new:not(:disabled)");
    await page.click("#new");
    await page.fill("[name=note]", "half a sentence");
    await play("/hostile");
    await page.waitForFunction(() => document.querySelectorAll("#visits button").length === 2);
    await equal("note", () => page.inputValue("[name=note]"), "half a sentence");
    await equal("name", () => text("#name"), "زينب حسن كاظم الموسوي");
    let look;
    const looked = new Promise((resolve) => { look = resolve; });
    await page.route("**/check", async (route) => {
      await looked;
      await route.continue();
    });
    const sent = [];
    page.on("request", (r) => r.method() === "POST" && r.url().endsWith("/entries") && sent.push(r.url()));
    const asked = page.waitForRequest("**/check");
    await page.click("#writer button[type=submit]");
    await asked;
    await page.locator("#visits button").first().click();
    await equal("forms of the other patient", () => page.locator("#writer form").count(), 0);
    const answered = page.waitForResponse("**/check");
    look();
    await answered;
    await page.waitForTimeout(300);
    await equal("entries sent after the patient on the screen had changed", sent.join(), "");
    await page.unroute("**/check");
    await play("/remove");
  });

  await check("hostile card data stays text", async () => {
    await play("/hostile");
    await page.waitForFunction(() => document.querySelector("#name").textContent.includes("onerror"));
    await page.locator("#history summary").first().click();
    await page.waitForSelector(".entry-body");
    for (const tag of ["en", "ckb", "ar"]) await language(tag);
    await page.waitForTimeout(300);
    await equal("script ran", () => page.evaluate(() => String(globalThis.hacked)), "undefined");
    await equal("images", () => page.locator("img").count(), 0);
    await equal("scripts", () => page.locator("body script").count(), 0);
    await shot("hostile-ar");
    await holds("the page is wider than the screen", () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  });

  await check("two patients can be told apart and chosen", async () => {
    await equal("tabs", () => page.locator("#visits button").count(), 2);
    await page.locator("#visits button").nth(1).click();
    await equal("name", () => text("#name"), "زينب حسن كاظم الموسوي");
    await accessible("two patients");
  });

  await check("a lost agent is seen, and the page recovers", async () => {
    await context.route("**/v1/**", (route) => route.abort());
    await play("/cut");
    await page.waitForSelector("body.stale #lost:not([hidden])");
    await shot("lost-ar");
    await context.unroute("**/v1/**");
    await page.waitForSelector("body:not(.stale)");
    await page.waitForSelector("#lost", { state: "hidden" });
  });

  await check("an operator signs in and out, and nothing of the record stays", async () => {
    await play("/operators");
    await page.reload();
    await page.waitForSelector("#sign-in form");
    await language("en");
    await accessible("sign-in form");
    await shot("signin-en");
    await equal("who may sign in", () => page.locator("#operator-id option").count(), 1);
    await page.fill("#operator-secret", "a wrong passphrase");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector("#sign-in .refused")?.textContent !== "");
    await holds("told why", async () => (await text("#sign-in .refused")).includes("passphrase"));
    await equal("what was typed is gone", () => page.inputValue("#operator-secret"), "");
    await page.fill("#operator-secret", "a good passphrase");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#sign-out:not([hidden])");
    await page.waitForSelector("#sign-in", { state: "hidden" });
    await holds("who is signed in", async () => (await text("#operator")).includes("Amal"));
    await language("ar");
    await accessible("signed in");
    await shot("signedin-ar");
    await page.click("#name");
    await holds("no sign of life", async () => Number(await play("/active")) > 0);
    const number = await page.locator(".facts bdi[dir=ltr]").first().innerText();
    await page.click("#cardless summary");
    await page.fill("#cardless-patient", number);
    await page.click("#cardless form button");
    await equal("asked without the photo compared", () => page.inputValue("#cardless-patient"), number);
    await page.check("#cardless-photo");
    const asked = page.waitForRequest((r) => r.method() === "POST" && r.url().endsWith("/v1/cardless"));
    await accessible("form of a visit without the card");
    await shot("cardless-ar");
    await page.click("#cardless form button");
    await equal("what is asked for", (await asked).postData(), JSON.stringify({ patient: number, person: 0, proof: "photo", reason: "forgotten" }));
    await page.waitForFunction(() => document.querySelector("#cardless-patient").value === "");
    await page.click("#sign-out");
    await page.waitForSelector("#sign-in form");
    await page.waitForSelector("#visit", { state: "hidden" });
    await holds("record left in the page", async () => !(await page.content()).includes("الموسوي"));
    await shot("signedout-ar");
    await play("/operators/none");
    await play("/tap");
    await page.reload();
    await page.waitForSelector("#visit:not([hidden])");
  });

  await check("a missing reader is told", async () => {
    await play("/noreader");
    await page.waitForSelector("#state .bad");
    await play("/reader");
    await page.waitForSelector("#state .bad", { state: "detached" });
  });

  await check("a narrow screen works", async () => {
    await page.setViewportSize({ width: 420, height: 800 });
    await holds("wider than the screen", () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    await shot("narrow-ar");
    await page.setViewportSize({ width: 1366, height: 768 });
  });

  await check("the page locks, and nothing of the record stays", async () => {
    await page.click("#lock");
    await page.waitForSelector("#closed:not([hidden])");
    await holds("record left in the page", async () => !(await page.content()).includes("الموسوي"));
    await page.reload();
    await page.waitForSelector("#closed:not([hidden])");
  });

  await check("a used code opens nothing", async () => {
    const address = await play("/code");
    await page.goto("about:blank");
    await page.goto(address);
    await page.waitForSelector("#visit:not([hidden])");
    await page.click("#lock");
    await page.goto("about:blank");
    await page.goto(address);
    await page.waitForSelector("#closed:not([hidden])");
  });

  await check("no script errors and no foreign requests", async () => {
    await equal("trouble", trouble.filter((line) => !line.includes("about:blank")).join("\n"), "");
  });
});
