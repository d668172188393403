// The form that adds an entry to the card in the reader.

import { Refused, appendEntry, checkEntry } from "./api.js";
import { askChecks, overridesIn, pending } from "./checks.js";
import { exactCode } from "./codes.js";
import { add, byId, el, fill, ltr } from "./dom.js";
import { number, plain } from "./format.js";
import { places } from "./history.js";
import { settled, suggest, unsettled } from "./lookup.js";
import { read as codeOf } from "./picks.js";
import { inLanguage, t, term } from "./words.js";

const maxCode = 32; // bytes of a code's value
const maxText = 160; // bytes of words in place of a code
const maxNote = 600;
const maxReason = 160;
const bytes = (text) => new TextEncoder().encode(text).length;
const classes = ["ambulatory", "emergency", "inpatient", "short-stay", "observation", "home", "virtual", "field"];
const medicineUnits = ["mg", "{tbl}", "{capsule}", "mL", "{puff}", "[drp]", "ug", "g", "[IU]"];
const resultUnits = ["mg/dL", "mmol/L", "g/dL", "%", "10*3/uL", "10*6/uL", "U/L", "mm[Hg]", "ng/mL", "m[IU]/L", "umol/L", "meq/L", "kg", "cm", "Cel", "/min"];

let visitID = "";
let visitPerson = 0; // the person on the card whom the form is about
let attempt = ""; // names the write that is being tried, until it is answered
let outcome = null; // { id, where, failure } of the last entry written
let serial = 0;
let strokes = 0; // counts what is typed and chosen in the form

/** Opens the form for a visit; an open one keeps what is typed in it. */
export function openWriter(visit) {
  const box = byId("writer");
  if (!writing()) {
    visitID = visit.id;
    visitPerson = visit.person ?? 0;
    outcome = null;
    attempt = "";
    fill(box, form());
    box.hidden = false;
    byId("new").setAttribute("aria-expanded", "true");
  }
  box.querySelector("select").focus();
}

// closeWriter empties the form's place and puts the focus where it came from.
function closeWriter() {
  outcome = null;
  fill(byId("writer"));
  byId("writer").hidden = true;
  byId("new").setAttribute("aria-expanded", "false");
  byId("new").focus();
}

/** Keeps the form in step with the visit: another patient or person closes it. */
export function followWriter(visit) {
  const box = byId("writer");
  byId("new").disabled = !visit.present || !visit.ready;
  byId("new").title = visit.present ? "" : t("new.removed");
  if (visit.id !== visitID || (visit.person ?? 0) !== visitPerson) {
    visitID = visit.id;
    visitPerson = visit.person ?? 0;
    outcome = null;
    attempt = "";
    fill(box);
    box.hidden = true;
    byId("new").setAttribute("aria-expanded", "false");
    return;
  }
  const send = box.querySelector("button[type=submit]");
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
  });
  fill(byId("writer"), fresh);
}

const countRows = (f) => Object.fromEntries([...f.querySelectorAll("fieldset[data-kind]")].map((s) => [s.dataset.kind, s.querySelectorAll(".row").length]));

function form(rows = {}) {
  const f = el(
    "form",
    { novalidate: true, autocomplete: "off", onsubmit: (event) => { event.preventDefault(); write(f); }, oninput: () => { strokes += 1; } },
    el("h3", {}, t("new.title")),
    el("datalist", { id: "list-units" }, resultUnits.map((u) => el("option", { value: u }))),
    el("div", { class: "row" },
      field("class", t("form.class"), el("select", { name: "class" }, classes.map((c) => el("option", { value: c }, term("class", c))))),
      field("reason", t("form.reason"), el("input", { name: "reason", dir: "auto" }), "wide")),
    group("diagnosis", t("diagnoses"), diagnosisRow, rows.diagnosis),
    group("medicine", t("prescriptions"), medicineRow, rows.medicine),
    group("result", t("results"), resultRow, rows.result),
    el("fieldset", {}, el("legend", {}, t("notes")),
      el("div", { class: "row" }, field("note", t("form.note"), el("textarea", { name: "note", rows: 2, dir: "auto" }), "wide"),
        check("note-sensitive", t("sensitive")))),
    el("section", { class: "checks", "aria-label": t("checks"), role: "alert", hidden: true }),
    el("div", { class: "send" },
      el("button", { type: "submit", class: "primary" }, t("form.write")),
      el("button", { type: "button", class: "plain", onclick: closeWriter }, t("form.cancel")),
      el("span", { role: "alert", class: "form-error" }),
      el("span", { role: "status", class: "form-busy" })),
  );
  return f;
}

function group(kind, title, row, count = 1) {
  const set = el("fieldset", { "data-kind": kind }, el("legend", {}, title));
  const more = el("button", { type: "button", class: "plain", "aria-label": `${t("form.add")}: ${title}`, onclick: () => {
    const fresh = row();
    more.before(fresh);
    fresh.querySelector("input").focus();
  } }, "+ ", t("form.add"));
  return add(set, [Array.from({ length: count }, row), more]);
}

function field(name, label, input, kind = "") {
  serial += 1;
  const id = `f${serial}`;
  input.id = id;
  input.setAttribute("aria-describedby", `${id}-note`);
  return el("div", { class: `field ${kind}` }, el("label", { for: id }, label), input, el("span", { id: `${id}-note`, "aria-live": "polite" }));
}

function check(name, label) {
  serial += 1;
  return el("div", { class: "field check" }, el("input", { type: "checkbox", name, id: `f${serial}` }), el("label", { for: `f${serial}` }, label));
}

function removable(row) {
  row.append(el("button", { type: "button", class: "remove", "aria-label": t("form.remove"), title: t("form.remove"), onclick: () => {
    const set = row.parentElement;
    if (set.querySelectorAll(".row").length > 1) row.remove();
    else for (const x of row.querySelectorAll("input")) { x.value = ""; x.checked = false; note(x, ""); }
    set.querySelector("input, button").focus();
  } }, "×"));
  return row;
}

// coded is an input for a code or words that tells at once how it was read.
function coded(name, label, system) {
  const tell = () => {
    if (!input.value.trim()) return note(input, "");
    const { code, pick } = codeOf(input, system);
    note(input, code.system === "text" ? t("form.text") : ltr(exactCode(code)), "known");
    const row = input.closest(".row");
    const unit = row.querySelector("[name=result-unit]");
    if (pick?.unit && unit && !unit.value) unit.value = pick.unit;
    const chronic = row.querySelector("[name=chronic]");
    if (chronic && pick?.chronic) chronic.checked = true;
    const sensitive = row.querySelector("[name=sensitive]");
    if (sensitive && pick?.sensitive) sensitive.checked = true;
  };
  const input = el("input", { name, dir: "auto", onchange: tell });
  return add(field(name, label, input, "wide"), suggest(input, system, tell));
}

const diagnosisRow = () => removable(el("div", { class: "row" },
  coded("diagnosis", t("form.diagnosis"), "icd10"), check("chronic", t("chronic")), check("sensitive", t("sensitive"))));

const medicineRow = () => removable(el("div", { class: "row" },
  coded("medicine", t("form.medicine"), "atc"),
  field("dose", t("form.dose"), el("input", { name: "dose", inputmode: "decimal", dir: "ltr" })),
  field("dose-unit", t("form.doseunit"), el("select", { name: "dose-unit" }, medicineUnits.map((u) => el("option", { value: u }, term("unit", u))))),
  field("times", t("form.times"), el("input", { name: "times", inputmode: "numeric", dir: "ltr" })),
  field("days", t("form.days"), el("input", { name: "days", inputmode: "numeric", dir: "ltr" })),
  check("ongoing", t("ongoing"))));

const resultRow = () => removable(el("div", { class: "row" },
  coded("test", t("form.test"), "loinc"),
  field("value", t("form.value"), el("input", { name: "value", dir: "ltr" })),
  field("result-unit", t("form.unit"), el("input", { name: "result-unit", list: "list-units", dir: "ltr" }))));

// note writes a line below an input: a finding, or with "bad" what is wrong.
function note(input, words, kind = "bad") {
  const line = byId(input.getAttribute("aria-describedby"));
  if (!line) return;
  fill(line, words && el("span", { class: kind }, words));
  if (kind === "bad" && words) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/** Reads the form into an entry; marks what is wrong and returns null then. */
function read(f) {
  let wrong = null;
  const fail = (input, words) => {
    note(input, words);
    wrong ??= input;
  };
  const clear = f.querySelectorAll("[aria-invalid]");
  for (const input of clear) note(input, "");
  const rows = (kind) => [...f.querySelectorAll(`fieldset[data-kind=${kind}] .row`)].map((row) => Object.fromEntries([...row.querySelectorAll("[name]")].map((x) => [x.name, x])));
  const typed = (input) => input.value.trim();
  const code = (input, system) => {
    if (!typed(input)) return fail(input, t("bad.code"));
    const c = codeOf(input, system).code;
    const limit = c.system === "text" ? maxText : maxCode;
    if (bytes(c.code) > limit) fail(input, t("bad.long", { n: number(limit) }));
    return c;
  };
  const whole = (input, max) => {
    const text = plain(input.value);
    if (!text) return undefined;
    const n = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (n < 1 || n > max) fail(input, t("bad.whole", { min: number(1), max: number(max) }));
    return n;
  };
  const clean = (input, limit) => {
    if (bytes(typed(input)) > limit) fail(input, t("bad.long", { n: number(limit) }));
    return typed(input);
  };

  const entry = { class: f.elements.class.value };
  const reason = clean(f.elements.reason, maxReason);
  if (reason) entry.reasons = [{ system: "text", code: reason }];
  entry.diagnoses = rows("diagnosis").filter((r) => typed(r.diagnosis)).map((r) => prune({
    code: code(r.diagnosis, "icd10"), chronic: r.chronic.checked, sensitive: r.sensitive.checked,
  }));
  entry.prescriptions = rows("medicine").filter((r) => typed(r.medicine) || typed(r.dose) || typed(r.times) || typed(r.days)).map((r) => {
    const medicine = code(r.medicine, "atc");
    const dose = plain(r.dose.value);
    if (dose && !decimal.test(dose)) fail(r.dose, t("bad.number"));
    const times = whole(r.times, 24);
    return prune({
      medicine, dose: decimal.test(dose) && { value: exact(dose), unit: r["dose-unit"].value },
      frequency: times !== undefined && { times, period: 1, unit: "d" }, days: whole(r.days, 3650), ongoing: r.ongoing.checked,
    });
  });
  entry.observations = rows("result").filter((r) => typed(r.test) || typed(r.value)).map((r) => {
    const test = code(r.test, "loinc");
    const value = plain(r.value.value);
    const unit = clean(r["result-unit"], 24);
    if (!value) fail(r.value, t("bad.value"));
    else if (unit && !decimal.test(value)) fail(r.value, t("bad.number"));
    if (bytes(value) > maxNote) fail(r.value, t("bad.long", { n: number(maxNote) }));
    const measured = decimal.test(value);
    return { code: test, category: "laboratory", value: measured ? { quantity: prune({ value: exact(value), unit }) } : { text: typed(r.value) } };
  });
  const words = clean(f.elements.note, maxNote);
  entry.notes = words ? [prune({ text: words, sensitive: f.elements["note-sensitive"].checked })] : [];
  if (wrong) {
    wrong.focus();
    return null;
  }
  if (!entry.diagnoses.length && !entry.prescriptions.length && !entry.observations.length && !entry.notes.length) {
    say(f, t("bad.empty"));
    f.querySelector("[name=diagnosis]").focus();
    return null;
  }
  return prune(entry);
}

const decimal = /^-?\d{1,9}(\.\d{1,6})?$/;

// exact keeps the zeros that a person typed: 7.0 is not 7. JSON.stringify
// writes numbers its own way, so the text goes out through rawJSON.
const exact = (text) => JSON.rawJSON?.(text.replace(/^(-?)0+(?=\d)/, "$1")) ?? Number(text);

// prune leaves out what was not said.
const prune = (o) => Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined && v !== "" && v !== false && !(Array.isArray(v) && v.length === 0)));

function say(f, words) {
  fill(f.querySelector(".form-error"), words);
}

// write has what is typed looked up, checked and written. It is called off when
// another patient comes to the screen, and when somebody types on before the
// entry has gone out: what is on the screen and what is signed are the same.
async function write(f) {
  if (f.dataset.busy) return;
  const [visit, person, typed] = [visitID, visitPerson, strokes];
  const gone = () => visit !== visitID || person !== visitPerson || !f.isConnected;
  const goneOn = () => {
    if (strokes !== typed) say(f, t("form.typedon"));
    return strokes !== typed;
  };
  say(f, "");
  busy(f, unsettled() ? t("form.looking") : t("form.writing"));
  try {
    await settled(); // what was typed last may be a code's words
    if (gone() || goneOn()) return;
    const entry = read(f);
    if (!entry) {
      attempt = "";
      return;
    }
    const place = f.querySelector(".checks");
    if (person) entry.person = person;
    entry.overrides = overridesIn(place);
    busy(f, t("form.writing"));
    const report = await checkEntry(visit, entry);
    if (gone() || goneOn()) return; // what was typed about another goes with its form
    const why = pending(place, report);
    if (why) {
      askChecks(place, report);
      say(f, t(why === "answer" ? "checks.answer" : "checks.look"));
      place.scrollIntoView({ block: "nearest" });
      attempt = "";
      return;
    }
    attempt ||= crypto.randomUUID();
    freeze(f, true);
    const written = await appendEntry(visit, entry, attempt);
    if (visit !== visitID || person !== visitPerson) return; // the other's history tells
    outcome = written;
    attempt = "";
    showOutcome();
    byId("new").setAttribute("aria-expanded", "false");
  } catch (error) {
    if (gone()) return;
    if (error instanceof Refused) {
      attempt = "";
      say(f, inLanguage(error.failure.text) || error.failure.code);
    } else say(f, t("bad.unreachable"));
  } finally {
    busy(f, "");
    freeze(f, false);
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

// freeze lets nothing be typed into what is on its way, and the focus stay.
function freeze(f, yes) {
  for (const x of f.querySelectorAll("input, textarea")) x.readOnly = yes;
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
