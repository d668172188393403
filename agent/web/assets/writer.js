// The forms that write to the card in the reader: a new entry, the correction of
// one, and the word that one was entered in error.

import { Refused, appendEntry, checkEntry } from "./api.js";
import { askChecks, overridesIn, pending } from "./checks.js";
import { carriedFields, corrected, correctionHead, fillEntry, inError, matchFields, readWhy } from "./correct.js";
import { add, byId, el, fill, ltr } from "./dom.js";
import { countRows, entryFields, readEntry, saysSomething } from "./entryform.js";
import { note } from "./fields.js";
import { places } from "./history.js";
import { settled, unsettled } from "./lookup.js";
import { inLanguage, t } from "./words.js";

let visitID = "";
let visitPerson = 0; // the person on the card whom the form is about
let about = null; // { item, gone, carried } of a correction; null for a new entry
let attempt = null; // { name, entry } of the write that is being tried, until it is answered
let outcome = null; // { id, where, failure } of the last entry written
let strokes = 0; // counts what is typed and chosen in the form

/** Opens the form for a visit; an open one keeps what is typed in it. */
export function openWriter(visit) {
  if (!writing()) begin(visit, null);
  byId("writer").querySelector("select, input").focus();
}

/** Opens the form that corrects an entry of a visit, or says that it was entered in error (gone). */
export function openCorrection(visit, item, gone) {
  if (typing()) return holdWriter();
  begin(visit, { item, gone, carried: null });
  byId("writer").querySelector("[name=why]").focus();
}

function begin(visit, subject) {
  forget(visit);
  about = subject;
  fill(byId("writer"), form());
  byId("writer").hidden = false;
  byId("new").setAttribute("aria-expanded", String(!subject));
}

// forget leaves nothing of an earlier form, and makes the next one about a visit.
function forget(visit) {
  visitID = visit.id;
  visitPerson = visit.person ?? 0;
  about = null;
  outcome = null;
  attempt = null;
  byId("new").setAttribute("aria-expanded", "false");
  fill(byId("writer"));
  byId("writer").hidden = true;
}

// closeWriter empties the form's place and puts the focus where it came from.
function closeWriter() {
  const of = about && byId("history").querySelector(`[data-entry="${CSS.escape(about.item.id)}"] > summary`);
  forget({ id: visitID, person: visitPerson });
  (of || byId("new")).focus();
}

/** Keeps the form in step with the visit: another patient or person closes it. */
export function followWriter(visit) {
  byId("new").disabled = !visit.present || !visit.ready;
  byId("new").title = visit.present ? "" : t("new.removed");
  if (visit.id !== visitID || (visit.person ?? 0) !== visitPerson) return forget(visit);
  const send = byId("writer").querySelector("button[type=submit]");
  if (send) send.disabled = !visit.present;
  if (outcome) {
    const entry = visit.entries?.find((e) => e.id === outcome.id);
    if (entry) outcome.where = entry.where;
    showOutcome();
  }
}

/** Whether a form is open. */
const writing = () => byId("writer").querySelector("form") !== null;

/** Whether there is something typed that would be lost. */
export const typing = () => [...byId("writer").querySelectorAll("input, textarea")].some((x) => x.checked || (x.type !== "checkbox" && x.value));

/** Says that what is typed is about the person on the screen. */
export function holdWriter() {
  const f = byId("writer").querySelector("form");
  say(f, t("person.typing"));
  f.querySelector("input, textarea, select").focus();
}

/** Builds the words anew after the language has changed; what is typed stays. */
export function retellWriter() {
  const old = byId("writer").querySelector("form");
  if (outcome) showOutcome();
  if (!old) return;
  const fresh = form(countRows(old));
  const typed = [...old.elements].filter((x) => x.name);
  [...fresh.elements].filter((x) => x.name).forEach((x, i) => {
    if (x.type === "checkbox") x.checked = typed[i].checked;
    else x.value = typed[i].value;
    const { words, code } = typed[i].dataset;
    if (code) Object.assign(x.dataset, { words, code });
  });
  fill(byId("writer"), fresh);
  freeze(fresh, attempt !== null);
  fresh.querySelector(".cost")?.dispatchEvent(new Event("again"));
}

// form makes the form for what it is about. With rows, the lines of a form that
// was open already, it is left empty for what was typed there.
function form(rows) {
  const f = el(
    "form",
    { novalidate: true, autocomplete: "off", onsubmit: (event) => { event.preventDefault(); write(f); }, oninput: () => { strokes += 1; } },
    about ? correctionHead(about.item, about.gone) : el("h3", {}, t("new.title")),
    !about?.gone && entryFields(about ? null : visitID, rows),
  );
  if (about && !about.gone) {
    if (rows) matchFields(f, about.item.entry, about.carried);
    else about.carried = fillEntry(f, about.item.entry);
    f.querySelector("datalist").before(carriedFields(about.carried) ?? "");
  }
  return add(f, [
    el("section", { class: "checks", "aria-label": t("checks"), role: "alert", hidden: true }),
    el("div", { class: "send" },
      el("button", { type: "submit", class: "primary" }, t(about?.gone ? "inerror.write" : about ? "correct.write" : "form.write")),
      el("button", { type: "button", class: "plain", onclick: closeWriter }, t("form.cancel")),
      el("span", { role: "alert", class: "form-error" }),
      el("span", { role: "status", class: "form-busy" })),
  ]);
}

/** Reads the form into an entry; marks what is wrong and returns null then. */
function read(f) {
  for (const input of f.querySelectorAll("[aria-invalid]")) note(input, "");
  const reason = about ? readWhy(f) : { wrong: null };
  const content = about?.gone ? { entry: {}, wrong: null } : readEntry(f);
  const wrong = reason.wrong ?? content.wrong;
  if (wrong) {
    wrong.focus();
    return null;
  }
  if (about?.gone) return inError(about.item, reason.why);
  const keeps = f.querySelector("[name=keep]:checked") !== null;
  if (!saysSomething(content.entry) && !keeps) {
    say(f, t("bad.empty"));
    f.querySelector("[name=diagnosis]").focus();
    return null;
  }
  return about ? corrected(f, about.item, content.entry, about.carried, reason.why) : content.entry;
}

function say(f, words) {
  fill(f.querySelector(".form-error"), words);
}

// write has what is typed looked up, checked and written. It is called off when
// another patient comes to the screen, and when somebody types on before the
// entry has gone out: what is on the screen and what is signed are the same.
async function write(f) {
  if (f.dataset.busy) return;
  const [visit, person, typed] = [visitID, visitPerson, strokes];
  const left = () => visit !== visitID || person !== visitPerson; // another patient is on the screen
  const gone = () => left() || !f.isConnected; // or the form was built anew
  const goneOn = () => {
    if (strokes !== typed) say(f, t("form.typedon"));
    return strokes !== typed;
  };
  let mine = attempt;
  say(f, "");
  busy(f, unsettled() ? t("form.looking") : t("form.writing"));
  try {
    if (!attempt) { // else what was sent is sent again, as it was
      await settled(); // what was typed last may be a code's words
      if (gone() || goneOn()) return;
      const entry = read(f);
      if (!entry) return;
      const place = f.querySelector(".checks");
      if (person) entry.person = person;
      entry.overrides = [...(entry.overrides ?? []), ...overridesIn(place)];
      busy(f, t("form.writing"));
      const report = await checkEntry(visit, entry);
      if (gone() || goneOn()) return; // what was typed about another goes with its form
      const why = pending(place, report);
      if (why) {
        askChecks(place, report);
        say(f, t(why === "answer" ? "checks.answer" : "checks.look"));
        place.scrollIntoView({ block: "nearest" });
        return;
      }
      mine = attempt = { name: crypto.randomUUID(), entry };
    }
    freeze(f, true);
    const written = await appendEntry(visit, mine.entry, mine.name);
    if (left() || attempt !== mine) return; // the history tells; what is on the screen is another form
    outcome = written;
    attempt = null;
    about = null;
    showOutcome();
    byId("new").setAttribute("aria-expanded", "false");
  } catch (error) {
    if (left() || attempt !== mine) return;
    const shown = byId("writer").querySelector("form") ?? f;
    if (error instanceof Refused) {
      attempt = null;
      say(shown, inLanguage(error.failure.text) || error.failure.code);
    } else say(shown, t("bad.unreachable"));
  } finally {
    busy(f, "");
    const shown = byId("writer").querySelector("form");
    if (shown && !left()) freeze(shown, attempt !== null);
  }
}

// busy says what the form is waiting for. Its button is not disabled meanwhile,
// which would take the focus from it.
function busy(f, words) {
  if (words) f.dataset.busy = "yes";
  else delete f.dataset.busy;
  f.querySelector("button[type=submit]").setAttribute("aria-disabled", String(words !== ""));
  fill(f.querySelector(".form-busy"), words);
}

// freeze lets nothing be typed into what is on its way, or perhaps is written
// already, and the focus stay.
function freeze(f, yes) {
  for (const x of f.querySelectorAll("input, textarea")) x.readOnly = yes;
  for (const x of f.querySelectorAll("select, input[type=checkbox]")) x.disabled = yes && x !== document.activeElement;
}

function showOutcome() {
  const box = byId("writer");
  const where = outcome.where ?? [];
  const open = where.includes("card_unknown");
  const words = open ? t("written.unknown") : where.includes("centre") ? t("written.synced") : outcome.failure ? inLanguage(outcome.failure.text) : t("written");
  const had = box.contains(document.activeElement);
  const hide = el("button", { type: "button", class: "plain", onclick: closeWriter }, t("failure.dismiss"));
  box.hidden = false;
  fill(box, el("div", { class: open ? "outcome open" : "outcome", role: "status" }, open ? "⚠ " : "✓ ", words, places(where), ltr(outcome.id.slice(0, 8), { class: "code" }), hide));
  if (had) hide.focus();
}
