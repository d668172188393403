// Whether the visit is covered, what is to be paid, and what is left of the
// year, as the agent has reckoned it.

import { askCover } from "./api.js";
import { numeral } from "./codes.js";
import { el, fill, ltr, own } from "./dom.js";
import { date, dateTime, digits, momentEnd, momentStart, number, plain } from "./format.js";
import { inLanguage, t, term } from "./words.js";

/** Whether cover holds today, and the reason when it does not. */
export function coverState(cover, now = new Date()) {
  if (!cover) return { kind: "unknown", words: t("cover.unknown"), reason: "" };
  const no = (reason) => ({ kind: "no", words: t("cover.no"), reason });
  if (cover.inactive) return no(t("cover.inactive"));
  if (cover.from && momentStart(cover.from) > now) return no(t("cover.future", { date: date(cover.from) }));
  if (cover.until && momentEnd(cover.until) <= now) return no(t("cover.expired", { date: date(cover.until) }));
  return { kind: "yes", words: t("cover.yes"), reason: cover.until ? t("cover.until", { date: date(cover.until) }) : "" };
}

const kinds = { covered: "yes", "not-covered": "no", "needs-approval": "wait" };
const outcome = (answer) => ({ covered: t("cover.yes"), "not-covered": t("cover.no") })[answer.outcome] ?? t("cover.approval");

/** The block of the person whom a visit shows: by the answer of the agent, or by
    the dates alone while the record is still being read. */
export function coverBlock(visit) {
  const answer = visit.eligibility;
  const state = answer ? { kind: kinds[answer.outcome], words: outcome(answer), reason: answer.until ? t("cover.until", { date: date(answer.until) }) : "" } : coverState(visit.cover);
  const c = visit.cover;
  return el(
    "section",
    { class: `cover ${state.kind}`, "aria-label": t("cover") },
    el("h2", { id: "cover-state" }, { yes: "✓ ", no: "✕ " }[state.kind] ?? "", state.words, answer && sureness(answer, "cover-sure")),
    state.kind === "yes" && state.reason && el("p", {}, state.reason),
    answer ? whatToPay(answer) : state.reason && state.kind !== "yes" && el("p", {}, state.reason),
    answer && why(answer),
    c && el("p", { class: "how" }, own(c.payer), c.plan && own(c.plan), c.member && el("span", {}, t("cover.member"), " ", ltr(c.member))),
    answer?.balance && balance(answer.balance),
    answer && asking(visit),
  );
}

const sureness = (answer, id) => el("span", { class: answer.final ? "tag" : "tag amber", id }, t(answer.final ? "cover.final" : "cover.provisional"));

function whatToPay(answer) {
  return el("p", { class: "pay" }, el("span", {}, t("pay")), share(answer));
}

/** What the meters do not say already. */
function why(answer) {
  const told = answer.reasons.filter((r) => r.code !== "covered" && r.code !== "visits-left");
  return el("ul", { class: "why" },
    told.map((r) => el("li", {}, own(inLanguage(r.text)))),
    answer.as_of && el("li", { class: "how" }, t("cover.asof", { date: dateTime(answer.as_of) })));
}

function balance(b) {
  return el("div", { class: "meters" }, ["visits", "operations", "dental"].map((kind) => meter(kind, b.year, b[kind])));
}

function meter(kind, year, a) {
  const spent = a.left === 0;
  const label = term("counter", kind).replace("{year}", digits(year));
  const words = t("cover.used", { used: number(a.used), allowed: number(a.allowed) });
  return el(
    "span",
    { class: spent ? "spent" : "" },
    own(label), ": ", words,
    el("meter", { min: 0, max: Math.max(a.allowed, 1), value: Math.min(a.used, a.allowed), "aria-label": `${label} ${words}` }),
    spent && [" ", t("cover.spent")],
  );
}

/** What may be paid for. */
export const services = ["visit", "operation", "dental", "laboratory", "imaging", "pharmacy", "vaccination", "other"];

// The question of the visit that is open now survives its being drawn anew.
let open = { of: "", question: null };

/** Asks what a service of a cost would be, to this person. */
function asking(visit) {
  const of = `${visit.id} ${visit.person} ${document.documentElement.lang}`;
  if (open.of === of) return open.question;
  const service = el("select", { "aria-label": t("cover.service") }, services.map((s) => el("option", { value: s }, term("service", s))));
  const cost = el("input", { type: "text", inputmode: "numeric", dir: "ltr", maxlength: 12, "aria-label": t("cover.cost"), placeholder: t("cover.cost") });
  const result = el("output", { id: "cover-answer" });
  const ask = async (event) => {
    event.preventDefault();
    const typed = plain(cost.value).replace(/[\s,٬]/gu, "");
    const question = { service: service.value };
    if (typed !== "") question.cost = Number(typed);
    try {
      fill(result, told(await askCover(visit.id, question)));
    } catch (refused) {
      fill(result, inLanguage(refused.failure?.text ?? {}) || t("cover.unanswered"));
    }
  };
  open = { of, question: el("form", { class: "ask", onsubmit: ask }, service, cost, el("button", { type: "submit", class: "quiet" }, t("cover.ask")), result) };
  return open.question;
}

/** An answer about a cost in one line: what the patient pays of it, and the cover. */
export function estimate(answer, cost) {
  const patient = answer.patient === undefined ? undefined : Number(numeral(answer.patient));
  return [
    el("b", {}, outcome(answer)), " ", sureness(answer), " ", patient === undefined ? share(answer) : t("cover.pays", { n: number(patient) }),
    patient < cost && [" · ", t("cover.rest", { n: number(cost - patient) })],
  ];
}

const share = (answer) => (answer.outcome === "not-covered" ? t("pay.all") : answer.per_cent === 0 ? t("pay.nothing") : t("pay.percent", { n: number(answer.per_cent) }));

function told(answer) {
  return [
    estimate(answer),
    answer.reasons.filter((r) => r.code !== "covered").map((r) => el("div", { class: "how" }, own(inLanguage(r.text)))),
  ];
}
