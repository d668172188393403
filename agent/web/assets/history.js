// The record, newest entry first, each entry opening on demand.

import { codeName, codeText, found, money, regimen, unusual } from "./codes.js";
import { corrects } from "./correct.js";
import { byId, el, fill, ltr, own } from "./dom.js";
import { date, dateTime, digits, number } from "./format.js";
import { inLanguage, t, term } from "./words.js";

const page = 25; // entries shown at once; more on demand
let shown = page;
let shownFor = "";
const opened = new Set();
let present = null; // the visit that is shown
let amend; // opens a form about one of its entries

/** Shows a visit's entries; toAmend(item, gone) opens a form that corrects one, or says that it was entered in error. */
export function showHistory(visit, toAmend = amend) {
  present = visit;
  amend = toAmend;
  if (shownFor !== visit.id) {
    shownFor = visit.id;
    shown = page;
    opened.clear();
  }
  const entries = visit.entries ?? [];
  fill(byId("problems"), problems(visit.problems));
  if (entries.length === 0) {
    fill(byId("history"), el("p", { class: "empty" }, visit.ready ? t("history.none") : t("history.reading")));
    return;
  }
  const rest = entries.length - shown;
  fill(
    byId("history"),
    entries.slice(0, shown).map(one),
    rest > 0 && el("button", {
      type: "button", class: "plain",
      onclick: () => {
        shown += page;
        showHistory(visit);
      },
    }, t("history.more", { n: number(Math.min(rest, page)) })),
  );
}

/** Opens another entry of the visit and goes there. */
function goTo(id) {
  const at = (present?.entries ?? []).findIndex((item) => item.id === id);
  if (at < 0) return;
  opened.add(id);
  shown = Math.max(shown, at + 1);
  showHistory(present);
  byId("history").querySelector(`[data-entry="${CSS.escape(id)}"]`)?.scrollIntoView({ block: "nearest" });
}

/** An entry's short name, which leads there when the visit has it. */
function entryLink(id) {
  const name = ltr(id.slice(0, 8));
  if (!(present?.entries ?? []).some((item) => item.id === id)) return name;
  return el("button", { type: "button", class: "plain", onclick: () => goTo(id) }, name);
}

function problems(list) {
  if (!list?.length) return null;
  const unique = new Map(list.map((f) => [f.code, f]));
  return el(
    "div",
    { class: "failure", role: "note" },
    el("strong", {}, `${t("problems.entries")}: ${number(list.length)}`),
    [...unique.values()].map((f) => el("span", {}, inLanguage(f.text), " ", ltr(f.code, { class: "code" }))),
  );
}

/** The places of an entry, as small labels. */
export function places(where, locked) {
  return el(
    "span",
    { class: "where" },
    (where ?? []).map((place) => el("span", { class: `place ${place}` }, term("where", place))),
    locked?.length > 0 && el("span", { class: "place locked" }, t("locked")),
  );
}

function one(item) {
  const entry = item.entry ?? {};
  const details = el(
    "details",
    { class: entry.entered_in_error || item.amended_by?.length > 0 ? "entry struck" : "entry", "data-entry": item.id, open: opened.has(item.id) },
    el(
      "summary",
      {},
      el("span", { class: "when" }, date(entry.start)),
      el("span", { class: "what" }, el("span", { class: "kind" }, term("class", entry.class)), headline(entry)),
      item.amended_by?.length > 0 && el("span", { class: "tag amber" }, t("amended")),
      places(item.where, item.locked),
    ),
  );
  const build = () => details.children.length < 2 && details.append(body(item, entry));
  if (details.open) build();
  details.addEventListener("toggle", () => {
    if (details.open) {
      opened.add(item.id);
      build();
    } else opened.delete(item.id);
  });
  return details;
}

// headline is what an entry is about, in one line.
export function headline(e) {
  const all = [
    ...(e.diagnoses ?? []).map((d) => codeText(d.code)),
    ...(e.reasons ?? []).map(codeText),
    ...(e.procedures ?? []).map((p) => codeText(p.code)),
    ...(e.prescriptions ?? []).map((p) => codeText(p.medicine)),
    ...(e.panels ?? []).map((p) => codeText(p.code)),
    ...(e.observations ?? []).map((o) => codeText(o.code)),
    ...(e.immunisations ?? []).map((i) => codeText(i.vaccine)),
    ...(e.notes ?? []).map((n) => n.text),
    e.type ? codeText(e.type) : "",
  ].filter(Boolean);
  if (all.length === 0 && e.cost) return money(e.cost.total, e.cost.currency);
  return [...new Set(all)].slice(0, 3).map((words, i) => [i > 0 && " · ", own(words)]);
}

// A list of an entry: the words above it, and how one of its items is shown.
const part = (title, line) => ({ title, line });

/** The lists of an entry that are shown one item a line, by their names. */
export const parts = {
  reasons: part("reason", (c) => codeName(c)),
  diagnoses: part("diagnoses", (d) => [
    codeName(d.code), " ", d.chronic && el("span", { class: "tag amber" }, t("chronic")), " ",
    unusual(d.status, "active"), unusual(d.certainty, "confirmed"), d.severity && el("span", { class: "tag" }, term("severity", d.severity)), note(d.note),
  ]),
  prescriptions: part("prescriptions", (p) => [codeName(p.medicine), " ", unusual(p.status, "active"), el("div", { class: "how" }, regimen(p))]),
  procedures: part("procedures", (p) => [codeName(p.code), " ", unusual(p.status, "completed"), note(p.note)]),
  immunisations: part("immunisations", (i) => [
    codeName(i.vaccine), " ", unusual(i.status, "completed"), el("span", { class: "how" }, i.dose && el("span", {}, t("dose.number", { n: number(i.dose) })), i.lot && ltr(i.lot)),
  ]),
  allergies: part("allergies", (a) => [codeName(a.code), " ", unusual(a.status, "active"), unusual(a.certainty, "confirmed"), note(a.note)]),
  care_plans: part("careplans", (p) => [codeName(p.code), " ", unusual(p.status, "active"), (p.goals ?? []).map((g) => note(g))]),
  referrals: part("referrals", (x) => [
    codeName(x.to), " ", x.urgency && x.urgency !== "routine" && el("span", { class: "tag amber" }, term("urgency", x.urgency)), " ", unusual(x.status, "active"),
    x.facility > 0 && el("span", { class: "how" }, t("facility", { n: digits(x.facility) })), note(x.note),
  ]),
  overrides: part("overrides", (x) => [
    el("span", { class: "tag amber" }, term("alertkind", x.kind ?? "other")), " ", (x.about ?? []).map((c, i) => [i > 0 && " · ", codeName(c)]),
    el("div", { class: "how" }, term("override", x.reason ?? "other")), note(x.note),
  ]),
  imaging: part("imaging", (i) => [ltr(i.modality), " ", own(i.title ?? ""), " ", i.body_site && codeName(i.body_site)]),
  notes: part("notes", (n) => [n.kind === "correction" && el("span", { class: "tag" }, t("correct.prefix")), note(n.text)]),
};
const cost = part("cost", (c) => [money(c.total, c.currency), c.patient !== undefined && c.patient !== null && [" · ", t("cost.patient"), " ", money(c.patient, c.currency)]]);
const afterResults = Object.keys(parts).slice(3);

function body(item, e) {
  const results = [...(e.observations ?? []), ...(e.panels ?? []).flatMap((p) => p.observations ?? [])];
  return el(
    "div",
    { class: "entry-body" },
    item.locked?.length > 0 && el("p", { class: "lockline" }, t("locked.text", { list: item.locked.map((s) => term("section", s)).join("، ") })),
    item.amended_by?.length > 0 && el("p", {}, el("span", { class: "tag amber" }, t("amended.by")), " ", item.amended_by.map((id) => [entryLink(id), " "])),
    e.entered_in_error && el("p", {}, el("span", { class: "tag red" }, t("inerror"))),
    listed(parts.reasons, [e.type, ...(e.reasons ?? [])].filter(Boolean)),
    listed(parts.diagnoses, e.diagnoses),
    listed(parts.prescriptions, e.prescriptions),
    results.length > 0 && el("section", {}, el("h3", {}, t("results")), el("table", { class: "results" }, el("tbody", {}, results.flatMap(result)))),
    afterResults.map((name) => listed(parts[name], e[name])),
    listed(cost, e.cost && [e.cost]),
    el(
      "p",
      { class: "foot" },
      el("span", {}, dateTime(e.start)),
      item.author && el("span", {}, t("author"), ": ", own(item.author)),
      item.facility > 0 && el("span", {}, t("facility", { n: digits(item.facility) })),
      e.person > 0 && el("span", {}, t("person.member", { n: number(e.person) })),
      e.amends && el("span", {}, t("amends"), " ", entryLink(e.amends)),
      el("span", {}, t("entry"), " ", ltr(item.id.slice(0, 8))),
    ),
    item.correctable && el("p", { class: "amend" }, amending(item, e)),
  );
}

// amending is the ways to set an entry right: one of several parts of a visit
// has no form of its own.
function amending(item, e) {
  const button = (words, gone) => el("button", {
    type: "button", class: "plain", disabled: !present.present, "aria-label": `${words}: ${date(e.start)}`, onclick: () => amend(item, gone),
  }, words);
  return [corrects(e) && !inParts(e) && button(t("correct"), false), " ", !e.entered_in_error && button(t("inerror"), true)];
}

const inParts = (e) => e.part > 0 || present.entries.some(({ entry }) => entry.part > 0 && entry.start === e.start);

function listed({ title, line }, items) {
  return items?.length > 0 && el("section", {}, el("h3", {}, t(title)), el("ul", {}, items.map((item) => el("li", {}, line(item)))));
}

const note = (text) => text && el("p", { class: "note how" }, own(text));

function result(o) {
  const flagged = o.interpretation && o.interpretation !== "N";
  const row = (code, value, interpretation, sub) => el(
    "tr",
    {},
    el("th", { scope: "row" }, sub && "– ", codeName(code)),
    el("td", {}, found(value)),
    el("td", { class: flagged ? "flag" : "" }, interpretation && term("interpretation", interpretation), unusual(sub ? "" : o.status, "final")),
  );
  return [row(o.code, o.value, o.interpretation, false), ...(o.components ?? []).map((c) => row(c.code, c.value, c.interpretation, true)), o.note && el("tr", {}, el("td", { colspan: 3 }, note(o.note)))];
}
