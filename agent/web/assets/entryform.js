// The fields for the content of an entry, and the entry that was typed into them.

import { costFields, readCost } from "./cost.js";
import { el } from "./dom.js";
import { check, field, group, maxNote, named, prune, Reading, select } from "./fields.js";
import { kinds } from "./items.js";
import { t } from "./words.js";

export const maxReason = 160; // bytes
const classes = ["ambulatory", "emergency", "inpatient", "short-stay", "observation", "home", "virtual", "field"];
const resultUnits = ["mg/dL", "mmol/L", "g/dL", "%", "10*3/uL", "10*6/uL", "U/L", "mm[Hg]", "ng/mL", "m[IU]/L", "umol/L", "meq/L", "kg", "cm", "Cel", "/min"];

/** The fields for an entry of a visit, with so many lines of each kind. */
export function entryFields(visit, rows = {}) {
  return [
    el("datalist", { id: "list-units" }, resultUnits.map((u) => el("option", { value: u }))),
    el("div", { class: "row" },
      field(t("form.class"), select("class", "class", classes)),
      field(t("form.reason"), el("input", { name: "reason", dir: "auto" }), "wide")),
    Object.entries(kinds).map(([kind, { title, row }]) => group(kind, title(), row, rows[kind] ?? 1)),
    el("fieldset", {}, el("legend", {}, t("notes")),
      el("div", { class: "row" }, field(t("form.note"), el("textarea", { name: "note", rows: 2, dir: "auto" }), "wide"),
        check("note-sensitive", t("sensitive")))),
    costFields(visit),
  ];
}

/** How many lines of each kind a form has. */
export const countRows = (f) => Object.fromEntries([...f.querySelectorAll("fieldset[data-kind]")].map((s) => [s.dataset.kind, s.querySelectorAll(".row").length]));

/**
 * Reads a form: {entry, wrong}, where wrong is the first field with something
 * wrong in it, which is marked like the others.
 */
export function readEntry(f) {
  const reading = new Reading();
  const entry = { class: f.elements.class.value };
  const reason = reading.clean(f.elements.reason, maxReason);
  if (reason) entry.reasons = [{ system: "text", code: reason }];
  for (const [kind, { list, read }] of Object.entries(kinds)) {
    entry[list] = [...f.querySelectorAll(`fieldset[data-kind=${kind}] .row`)].map((row) => read(named(row), reading)).filter(Boolean);
  }
  const words = reading.clean(f.elements.note, maxNote);
  entry.notes = words ? [prune({ text: words, sensitive: f.elements["note-sensitive"].checked })] : [];
  if (f.elements.total) entry.cost = readCost(f.elements, reading);
  return { entry: prune(entry), wrong: reading.wrong };
}

/** Whether an entry says anything besides what kind of visit it was and why. */
export const saysSomething = (entry) => Object.keys(entry).some((k) => k !== "class" && k !== "reasons");
