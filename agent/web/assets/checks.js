// What collides: in the record as it stands, and in what is being written.

import { byId, el, fill, own } from "./dom.js";
import { inLanguage, t, term } from "./words.js";

const reasons = ["benefit-outweighs", "no-alternative", "tolerated-before", "dose-adjusted", "patient-informed", "other"];
const looks = { stop: "danger", warn: "notice", note: "quiet" };
const urgent = (a) => a.severity !== "note" && !a.answer;
const nameOf = (a) => JSON.stringify([a.rule, a.about.map((c) => [c.system, c.code])]);

/** Shows what collides in the record of the person on the screen. */
export function showChecks(visit) {
  const report = visit.checks;
  const later = (report?.alerts ?? []).filter((a) => !urgent(a));
  fill(byId("checks"), (report?.alerts ?? []).filter(urgent).map((a) => line(a)), fold(later, t("checks.answered")), locked(report));
}

// line shows one alert, with lesser ones about the same behind it, and with
// what else belongs to it.
function line(a, ...more) {
  return el(
    "div",
    { class: `alert check ${looks[a.severity]}` },
    el("p", {}, el("span", { class: "kind" }, term("check", a.severity), " · ", term("alertkind", a.kind)), " ", own(inLanguage(a.text))),
    a.answer && el("p", { class: "how" }, t("checks.because"), " ", term("override", a.answer.reason ?? "other"), a.answer.note && [" – ", own(a.answer.note)]),
    a.more?.length > 0 && el("details", {}, el("summary", {}, t("checks.more")), a.more.map((m) => el("p", {}, own(inLanguage(m.text))))),
    el("p", { class: "how" }, t("checks.source"), " ", own(a.source)),
    more,
  );
}

const fold = (list, words) => list.length > 0 && el("details", { class: "check-fold" }, el("summary", {}, words), list.map((a) => line(a)));

const locked = (report) => report?.unchecked?.length > 0
  && el("p", { class: "how" }, t("checks.locked", { list: report.unchecked.map((s) => term("section", s)).join("، ") }));

/**
 * Shows a draft's report in its form. Alerts to stop at get a list of reasons
 * and a line for a note; what was chosen before is kept.
 */
export function askChecks(place, report) {
  const chosen = new Map(answersIn(place).map((x) => [x.name, x]));
  const loud = report.alerts.filter(urgent);
  fill(
    place,
    loud.map((a) => line(a, a.severity === "stop" && answer(a, chosen.get(nameOf(a))))),
    fold(report.alerts.filter((a) => !urgent(a)), t("checks.notes")),
    locked(report),
  );
  place.dataset.seen = JSON.stringify(loud.map(nameOf));
  place.hidden = loud.length === 0;
}

function answer(a, before) {
  return el(
    "div",
    { class: "answer", "data-alert": JSON.stringify({ rule: a.rule, kind: a.kind, about: a.about.map(({ system, code }) => ({ system, code })) }), "data-name": nameOf(a) },
    el("select", { "aria-label": t("checks.reason") },
      el("option", { value: "" }, t("checks.reason")),
      reasons.map((r) => el("option", { value: r, selected: before?.reason === r }, term("override", r)))),
    el("input", { "aria-label": t("checks.note"), placeholder: t("checks.note"), dir: "auto", maxlength: 300, value: before?.note }),
  );
}

const answersIn = (place) => [...place.querySelectorAll(".answer")].map((box) => ({
  name: box.dataset.name, alert: JSON.parse(box.dataset.alert), reason: box.querySelector("select").value, note: box.querySelector("input").value.trim(),
}));

/** The overrides that were chosen in a form, for its entry. */
export const overridesIn = (place) => answersIn(place).filter((x) => x.reason)
  .map(({ alert, reason, note }) => (note ? { ...alert, reason, note } : { ...alert, reason }));

/** What of a report still keeps the form from being written: "", "answer" or "look". */
export function pending(place, report) {
  if (report.alerts.some((a) => a.severity === "stop" && !a.answer)) return "answer";
  const seen = JSON.parse(place.dataset.seen ?? "[]");
  return report.alerts.some((a) => urgent(a) && !seen.includes(nameOf(a))) ? "look" : "";
}
