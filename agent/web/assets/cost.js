// What a visit cost, in its form: the sum, the patient's part of it, and beside
// them what the cover would have the patient pay.

import { askCover } from "./api.js";
import { numeral } from "./codes.js";
import { estimate, services } from "./cover.js";
import { el, fill } from "./dom.js";
import { dinars, field, prune, select } from "./fields.js";
import { number } from "./format.js";
import { t } from "./words.js";

const pause = 300; // ms without a key before the cover is asked

/**
 * The fields for a cost. With a visit, the cover is asked what the patient pays
 * while somebody types; without one, as in a correction, nothing is asked.
 */
export function costFields(visit) {
  const service = select("service", "service", services);
  const total = el("input", { name: "total", inputmode: "numeric", dir: "ltr", maxlength: 16 });
  const share = el("input", { name: "share", inputmode: "numeric", dir: "ltr", maxlength: 16 });
  const told = el("p", { class: "estimate", role: "status" });
  const set = el(
    "fieldset",
    { class: "cost" },
    el("legend", {}, t("cost")),
    el("div", { class: "row" }, field(t("cover.service"), service), field(t("form.total"), total), field(t(visit ? "form.share" : "form.share.kept"), share)),
    visit && told,
  );
  if (!visit) return set;
  let timer;
  let asked = 0; // counts the questions, so that a late answer is passed over
  const ask = async () => {
    const question = (asked += 1);
    const cost = dinars(total.value);
    const kind = set.closest("form")?.elements.class.value;
    const answer = cost === null ? null : await askCover(visit, { service: service.value, class: kind, cost }).catch(() => null);
    if (question === asked) fill(told, answer && estimate(answer, cost));
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(ask, pause);
  };
  for (const input of [service, total]) input.addEventListener("input", later);
  set.addEventListener("again", later); // what the question hangs on has changed elsewhere
  return set;
}

/** Fills the fields; they say a cost in dinars only. */
export function putCost(x, cost) {
  x.service.value = cost.service ?? "visit";
  x.total.value = numeral(cost.total);
  x.share.value = cost.patient === undefined ? "" : numeral(cost.patient);
}

/** Reads the fields; nothing when no sum was typed. */
export function readCost(x, reading) {
  const total = reading.dinars(x.total);
  const patient = reading.dinars(x.share);
  if (patient !== undefined && total === undefined) reading.fail(x.total, t("bad.total"));
  else if (patient > total) reading.fail(x.share, t("bad.share", { n: number(total) }));
  if (total === undefined) return undefined;
  return prune({ total, patient, service: x.service.value !== "visit" && x.service.value });
}
