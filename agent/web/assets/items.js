// The lines of a form, each as an item of an entry: made, filled and read.

import { codeText, numeral } from "./codes.js";
import { el } from "./dom.js";
import { check, coded, field, line, maxNote, measured, named, prune, Reading, select, typed } from "./fields.js";
import { stand } from "./picks.js";
import { t } from "./words.js";

const medicineUnits = ["mg", "{tbl}", "{capsule}", "mL", "{puff}", "[drp]", "ug", "g", "[IU]"];

// A kind of line: the list of the entry that it is about, the words above, how
// a line is made, what of an item it shows, and what it says; nothing when empty.
export const kinds = {
  diagnosis: {
    list: "diagnoses", title: () => t("diagnoses"),
    row: () => line(coded("diagnosis", t("form.diagnosis"), "icd10"), check("chronic", t("chronic")), check("sensitive", t("sensitive"))),
    put: (x, item) => {
      putCode(x.diagnosis, item.code, "icd10");
      x.chronic.checked = Boolean(item.chronic);
      x.sensitive.checked = Boolean(item.sensitive);
    },
    read: (x, reading) => typed(x.diagnosis) && prune({
      code: reading.code(x.diagnosis, "icd10"), chronic: x.chronic.checked, sensitive: x.sensitive.checked,
    }),
  },
  medicine: {
    list: "prescriptions", title: () => t("prescriptions"),
    row: () => line(
      coded("medicine", t("form.medicine"), "atc"),
      field(t("form.dose"), el("input", { name: "dose", inputmode: "decimal", dir: "ltr" })),
      field(t("form.doseunit"), select("dose-unit", "unit", medicineUnits)),
      field(t("form.times"), el("input", { name: "times", inputmode: "numeric", dir: "ltr" })),
      field(t("form.days"), el("input", { name: "days", inputmode: "numeric", dir: "ltr" })),
      check("ongoing", t("ongoing"))),
    put: (x, item) => {
      putCode(x.medicine, item.medicine, "atc");
      if (item.dose) {
        x.dose.value = numeral(item.dose.value);
        x["dose-unit"].value = item.dose.unit ?? "";
      }
      x.times.value = item.frequency?.times ?? "";
      x.days.value = item.days ?? "";
      x.ongoing.checked = Boolean(item.ongoing);
    },
    read: (x, reading) => {
      if (![x.medicine, x.dose, x.times, x.days].some(typed)) return null;
      const medicine = reading.code(x.medicine, "atc");
      const dose = reading.decimal(x.dose);
      const times = reading.whole(x.times, 24);
      return prune({
        medicine, dose: dose !== undefined && { value: dose, unit: x["dose-unit"].value },
        frequency: times !== undefined && { times, period: 1, unit: "d" }, days: reading.whole(x.days, 3650), ongoing: x.ongoing.checked,
      });
    },
  },
  result: {
    list: "observations", title: () => t("results"),
    row: () => line(
      coded("test", t("form.test"), "loinc"),
      field(t("form.value"), el("input", { name: "value", dir: "ltr" })),
      field(t("form.unit"), el("input", { name: "result-unit", list: "list-units", dir: "ltr" }))),
    put: (x, item) => {
      putCode(x.test, item.code, "loinc");
      x.value.value = item.value?.quantity ? numeral(item.value.quantity.value) : item.value?.text ?? "";
      x["result-unit"].value = item.value?.quantity?.unit ?? "";
    },
    read: (x, reading) => {
      if (![x.test, x.value].some(typed)) return null;
      const code = reading.code(x.test, "loinc");
      const unit = reading.clean(x["result-unit"], 24);
      const text = reading.clean(x.value, maxNote);
      if (!text) reading.fail(x.value, t("bad.value"));
      const value = measured(text) ? { quantity: prune({ value: reading.decimal(x.value), unit }) } : { text };
      if (value.text && unit) reading.fail(x.value, t("bad.number"));
      return { code, category: "laboratory", value };
    },
  },
};

function putCode(input, code, system) {
  if (code.system === system) stand(input, codeText(code), code.code);
  else if (code.system === "text") input.value = code.code;
}

/** An item without its words, which the table has, in one form of JSON. */
export function canonical(v) {
  if (v === null || typeof v !== "object") return JSON.stringify(v);
  if (JSON.isRawJSON?.(v)) return v.rawJSON;
  if (Array.isArray(v)) return `[${v.map(canonical).join()}]`;
  return `{${Object.keys(v).filter((k) => k !== "display" && k !== "displays").sort().map((k) => `${JSON.stringify(k)}:${canonical(v[k])}`).join()}}`;
}

/** A line that says the whole of an item, or null when there can be none. */
export function lineFor(kind, item) {
  const row = kinds[kind].row();
  kinds[kind].put(named(row), item);
  const reading = new Reading();
  const said = kinds[kind].read(named(row), reading);
  return said && !reading.wrong && canonical(said) === canonical(item) ? row : null;
}
