// Who the patient is, whether the visit is covered, and what to beware of.

import { codeName, codeText, regimen } from "./codes.js";
import { coverBlock } from "./cover.js";
import { byId, el, fill, ltr, own } from "./dom.js";
import { age, date, number } from "./format.js";
import { language, t, term } from "./words.js";

/** The name in the page's language, or in another script that is known. */
export function nameOf(names) {
  const order = { ar: ["ar", "ckb", "latin"], ckb: ["ckb", "ar", "latin"], en: ["latin", "ar", "ckb"] }[language()];
  const all = order.map((script) => names?.[script]).filter(Boolean).map(wholeName);
  return { first: all[0] ?? "", others: [...new Set(all.slice(1))].filter((n) => n !== all[0]) };
}

const wholeName = (n) => [...(n.given ?? []), n.family].filter(Boolean).join(" ");

/** Whose record a visit shows: the holder of the card or one of the family. */
export const shownPerson = (visit) => (visit.person ? visit.identity?.family?.find((m) => m.person === visit.person) : visit.identity);

/** Shows who it is, and the others on the card; choose(person) asks for one of them. */
export function showPerson(visit, choose) {
  fill(byId("person"), people(visit, choose), who(visit), coverBlock(visit));
}

function people(visit, choose) {
  if (!(visit.persons?.length > 1)) return null;
  return el(
    "nav",
    { class: "visits people", "aria-label": t("people") },
    visit.persons.map((n) => {
      const one = n ? visit.identity?.family?.find((m) => m.person === n) : visit.identity;
      return el(
        "button",
        { type: "button", "aria-current": n === visit.person ? "true" : "false", disabled: !visit.ready, onclick: () => choose(n) },
        own(nameOf(one?.names).first || t("unnamed")), " ",
        el("span", { class: "how" }, n ? term("relation", one?.relation ?? "other") : t("holder")),
      );
    }),
  );
}

function who(visit) {
  const id = shownPerson(visit);
  const { first, others } = nameOf(id?.names);
  const years = ageText(id?.born);
  return el(
    "div",
    { class: "who" },
    el("h1", { id: "name" }, own(first || t("unnamed"))),
    others.length > 0 && el("p", { class: "others" }, others.map((n) => own(n))),
    el(
      "dl",
      { class: "facts" },
      fact(t("born"), id?.born && [date(id.born), years && ` (${years})`], "big"),
      fact(t("sex"), id && term("sex", id.sex), "big"),
      fact(t("patient"), ltr(visit.patient)),
      fact(t("national"), id?.national_number && ltr(id.national_number)),
      fact(t("phone"), id?.phone && ltr(id.phone)),
    ),
  );
}

function fact(label, value, kind) {
  return value && el("div", {}, el("dt", {}, label), el("dd", { class: kind }, value));
}

export function ageText(born) {
  const a = age(born);
  if (!a) return "";
  return a.years >= 2 ? t("age.years", { n: number(a.years) }) : t("age.months", { n: number(a.years * 12 + a.months) });
}

const noSummary = (visit) => t(visit.summary_locked ? "alerts.locked" : "alerts.unwritten");

export function showAlerts(visit) {
  const summary = visit.summary;
  const allergies = (summary?.allergies ?? []).filter((a) => !["inactive", "resolved"].includes(a.status) && !["refuted", "entered-in-error"].includes(a.certainty));
  const chronic = (summary?.problems ?? []).filter((p) => p.chronic);
  const told = new Set([...allergies, ...chronic].map((x) => key(x.code)));
  const more = (visit.alerts ?? []).filter((a) => !told.has(key(a.code)));
  let nothing = null;
  if (!summary) nothing = visit.ready && noSummary(visit);
  else if (allergies.length === 0) nothing = t("alerts.none");
  fill(
    byId("alerts"),
    allergies.map(allergyAlert),
    more.map((a) => el("div", { class: "alert notice" }, el("span", { class: "kind" }, t(`alert.${a.kind}`) === `alert.${a.kind}` ? t("alert.other") : t(`alert.${a.kind}`)), el("b", {}, own(codeText(a.code) || a.text)))),
    chronic.map((p) => el("div", { class: "alert notice" }, el("span", { class: "kind" }, t("alert.chronic")), el("b", {}, own(codeText(p.code))))),
    nothing && el("div", { class: "alert none" }, nothing),
  );
}

const key = (code) => (code ? `${code.system} ${code.code}` : "");

function allergyAlert(a) {
  return el(
    "div",
    { class: "alert danger" },
    el("span", { class: "kind" }, t(a.kind === "intolerance" ? "alert.intolerance" : "alert.allergy")),
    el("b", {}, own(codeText(a.code))),
    a.reactions?.length > 0 && el("span", {}, a.reactions.map((r) => codeText(r)).join("، ")),
    a.criticality === "high" && el("span", { class: "tag" }, t("criticality.high")),
    a.severity && el("span", { class: "tag" }, term("severity", a.severity)),
  );
}

export function showSide(visit) {
  const s = visit.summary;
  fill(
    byId("side"),
    block("medicines", t("medicines"), s?.medicines, (m) => [
      codeName(m.code), el("div", { class: "how" }, regimen(m), m.since && el("span", {}, t("since", { date: date(m.since) }))),
    ], s ? t("medicines.none") : noSummary(visit), visit.ready),
    block("active", t("problems"), s?.problems, (p) => [
      codeName(p.code), p.chronic && [" ", el("span", { class: "tag amber" }, t("chronic"))],
      el("div", { class: "how" }, p.severity && el("span", {}, term("severity", p.severity)), p.since && el("span", {}, t("since", { date: date(p.since) }))),
    ], s ? t("problems.none") : noSummary(visit), visit.ready),
    (s?.blood_group || s?.contact) && el(
      "section",
      { class: "card-block" },
      el("dl", { class: "facts" },
        fact(t("blood"), s.blood_group && ltr(s.blood_group), "big"),
        fact(t("contact"), s.contact && [own(s.contact.name ?? ""), " ", ltr(s.contact.phone, s.contact.phone.length <= 20 ? { class: "whole" } : {})])),
    ),
    block("family", t("family"), visit.identity?.family, (m) => [
      el("b", {}, own(nameOf(m.names).first)),
      el("div", { class: "how" }, el("span", {}, term("relation", m.relation)), m.born && el("span", {}, ageText(m.born)), m.guards?.includes(0) && el("span", {}, t("guardian"))),
    ]),
  );
}

function block(id, title, items, one, none, ready) {
  if (!items?.length && !(none && ready)) return null;
  return el(
    "section",
    { class: "card-block", "aria-labelledby": `${id}-title` },
    el("h2", { id: `${id}-title` }, title),
    items?.length ? el("ul", { class: "list" }, items.map((item) => el("li", {}, one(item)))) : el("p", { class: "empty" }, none),
  );
}

