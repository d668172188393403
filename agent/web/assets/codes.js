// Words for codes, amounts and regular doses, as elements that keep their own
// direction.

import { el, ltr, own } from "./dom.js";
import { digits, number } from "./format.js";
import { language, t, term } from "./words.js";

const systems = { icd10: "ICD-10", atc: "ATC", loinc: "LOINC", snomed: "SNOMED", rxnorm: "RxNorm", cvx: "CVX", dhamani: "Dhamani" };

/** A code as people write it, with its system. */
export const exactCode = (code) => `${systems[code.system] ?? code.system} ${code.code}`;

/** The words for a code: in the page's language, else English, else the code. */
export function codeText(code) {
  if (!code) return "";
  return code.displays?.[language()] || code.display || code.code || "";
}

/** The words for a code with the code itself behind them. */
export function codeName(code) {
  const words = codeText(code);
  if (!code || code.system === "text") return el("b", {}, own(words));
  if (words === code.code) return el("b", {}, ltr(exactCode(code)));
  return [el("b", {}, own(words)), " ", ltr(exactCode(code), { class: "code" })];
}

/** A number with the digits that it came with. */
export const numeral = (n) => (JSON.isRawJSON?.(n) ? n.rawJSON : String(n));

/** Whether this browser keeps such digits; nothing is corrected where it does not. */
export const exactly = () => JSON.isRawJSON !== undefined && JSON.parse("7.0", (_, __, context) => context?.source) === "7.0";

// A UCUM unit as people write it. Micrograms are mcg, which nobody misreads.
const superscript = (digits) => [...digits].map((d) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[d]).join("");
function written(unit) {
  return unit
    .replace(/10\*(\d+)/g, (_, n) => `10${superscript(n)}`)
    .replace(/\bu(?=g\b)/g, "mc")
    .replace(/\bu(?=(L|mol|eq|\[IU\]))/g, "µ")
    .replace(/\bCel\b/g, "°C")
    .replace(/\{[^}]*\}/g, "")
    .replace(/[[\]]/g, "");
}

/** A measured amount: kept left to right and in Latin digits, as on the report. */
export function quantity(q) {
  if (!q) return "";
  const words = term("unit", q.unit);
  const value = numeral(q.value);
  if (words !== (q.unit ?? "")) return [ltr(value), " ", words];
  return ltr(q.unit ? `${value} ${written(q.unit)}` : value);
}

/** What an observation found. */
export function found(value) {
  if (value?.quantity) return quantity(value.quantity);
  if (value?.code) return codeName(value.code);
  if (value?.text) return own(value.text);
  if (typeof value?.bool === "boolean") return value.bool ? t("yes") : t("no");
  return "";
}

/** How a medicine is taken, as a list of short phrases. */
export function regimen(m) {
  const out = [];
  if (m.dose) out.push(el("span", {}, quantity(m.dose)));
  const f = m.frequency;
  if (f?.times) {
    let words = t("frequency", { times: number(f.times), period: number(f.period), unit: term("period", f.unit) });
    if (f.period === 1 && f.unit === "d") {
      words = f.times === 1 ? t("frequency.once") : f.times === 2 ? t("frequency.twice") : t("frequency.daily", { times: number(f.times) });
    }
    out.push(el("span", {}, words));
  }
  if (m.route) out.push(el("span", {}, term("route", m.route)));
  if (m.days) out.push(el("span", {}, t("fordays", { n: number(m.days) })));
  if (m.as_needed) out.push(el("span", {}, t("asneeded")));
  if (m.ongoing) out.push(el("span", {}, t("ongoing")));
  if (m.directions) out.push(own(m.directions));
  return out;
}

/** An amount of money; IQD has no coins. */
export function money(amount, currency) {
  if (currency) return ltr(`${numeral(amount)} ${currency}`);
  return t("iqd", { n: number(Number(numeral(amount))) });
}

/** A status that is not the usual one, as a tag. */
export function unusual(status, usual) {
  if (!status || status === usual) return null;
  return el("span", { class: "tag amber" }, digits(term("status", status)));
}
