// Corrections of entries: the form is filled with what the entry says, and what
// has no field there is carried over or left out before everybody's eyes.

import { codeName, exactly, found, money } from "./codes.js";
import { putCost, readCost } from "./cost.js";
import { el, ltr } from "./dom.js";
import { maxReason } from "./entryform.js";
import { field, fits, maxNote, prune, Reading } from "./fields.js";
import { date, number } from "./format.js";
import { headline, parts } from "./history.js";
import { canonical, kinds, lineFor } from "./items.js";
import { t, term } from "./words.js";

const maxWhy = 160; // bytes

/** What stands above a form that corrects an entry, or says that it was entered in error (gone). */
export function correctionHead(item, gone) {
  const { entry, id } = item;
  return [
    el("h3", {}, t(gone ? "inerror.title" : "correct.title")),
    el("p", { class: "how" }, date(entry.start), " · ", term("class", entry.class), " · ", headline(entry), " ", ltr(id.slice(0, 8), { class: "code" })),
    el("p", {}, t(gone ? "inerror.text" : "correct.text")),
    el("div", { class: "row" }, field(t("correct.why"), el("input", { name: "why", dir: "auto", "aria-required": "true" }), "wide")),
  ];
}

/** Reads why an entry is corrected. */
export function readWhy(f) {
  const reading = new Reading();
  const why = reading.clean(f.elements.why, maxWhy);
  if (!why) reading.fail(f.elements.why, t("bad.why"));
  return { why, wrong: reading.wrong };
}

// What has no field in the form and is carried over as it is; the lists of which
// items are; and what a correction says anew, or what only the agent says.
const kept = ["start", "person", "minutes", "facility", "practitioner", "part", "sensitive", "type", "extensions"];
const itemLists = ["panels", "procedures", "immunisations", "allergies", "care_plans", "referrals", "overrides", "imaging"];
const others = ["class", "reasons", "diagnoses", "prescriptions", "observations", "notes", "cost", "id", "amends"];
const known = new Set([...kept, ...itemLists, ...others]);

/** Whether a form, and what is carried over beside it, hold the whole of an entry. */
export const corrects = (entry) => exactly() && Object.keys(entry).every((name) => known.has(name));

/**
 * Fills an empty form with an entry and returns what the form cannot say:
 * {lists: [[list, item], ...], rest}. Both together are the whole of the entry.
 */
export function fillEntry(f, entry) {
  const lists = [];
  allowClass(f, entry);
  f.elements.class.value = entry.class;
  const [reason] = entry.reasons ?? [];
  const said = entry.reasons?.length === 1 && reason.system === "text" && fits(reason.code, maxReason);
  if (said) f.elements.reason.value = reason.code;
  else for (const r of entry.reasons ?? []) lists.push(["reasons", r]);
  for (const [kind, { list }] of Object.entries(kinds)) {
    const [set, lines] = [f.querySelector(`fieldset[data-kind=${kind}]`), []];
    for (const item of entry[list] ?? []) {
      const line = lineFor(kind, item);
      if (line) lines.push(line);
      else lists.push([list, item]);
    }
    if (lines.length > 0) set.querySelector(".row").replaceWith(...lines);
  }
  const at = (entry.notes ?? []).findIndex((n) => !n.at && !n.kind && fits(n.text, maxNote, true));
  (entry.notes ?? []).forEach((n, i) => {
    if (i !== at) return lists.push(["notes", n]);
    f.elements.note.value = n.text;
    f.elements["note-sensitive"].checked = Boolean(n.sensitive);
  });
  for (const list of itemLists) {
    for (const item of entry[list] ?? []) lists.push([list, item]);
  }
  const rest = Object.fromEntries(kept.filter((k) => entry[k] !== undefined).map((k) => [k, entry[k]]));
  if (entry.cost && !putsCost(f, entry.cost)) {
    rest.cost = entry.cost;
    f.querySelector(".cost").remove();
  }
  return { lists, rest };
}

/** Takes out of a form what is carried over beside it, and puts in what an entry needs. */
export function matchFields(f, entry, { rest }) {
  allowClass(f, entry);
  if (rest.cost) f.querySelector(".cost").remove();
}

// allowClass lets a kind of visit be kept that is not chosen at a desk.
function allowClass(f, entry) {
  const list = f.elements.class;
  if ([...list.options].some((o) => o.value === entry.class)) return;
  list.append(el("option", { value: entry.class }, term("class", entry.class)));
}

// putsCost fills the cost in and reports whether the fields say all of it.
function putsCost(f, cost) {
  putCost(f.elements, cost);
  const reading = new Reading();
  const said = readCost(f.elements, reading);
  return !reading.wrong && said !== undefined && canonical(said) === canonical(cost);
}

/** The list of what the form cannot say; each item may be left out. */
export function carriedFields({ lists, rest }) {
  const fixed = [
    rest.type && codeName(rest.type),
    rest.cost && [t("cost"), ": ", money(rest.cost.total, rest.cost.currency)],
    rest.extensions && t("correct.extensions", { n: number(rest.extensions.length) }),
  ].filter(Boolean);
  if (lists.length + fixed.length === 0) return null;
  return el(
    "fieldset",
    { class: "carried" },
    el("legend", {}, t("correct.carried")),
    el("p", { class: "how" }, t("correct.carried.text")),
    el("ul", {},
      lists.map(([list, item]) => el("li", {}, el("label", {}, el("input", { type: "checkbox", name: "keep", checked: true }), " ", el("span", {}, shown(list, item))))),
      fixed.map((words) => el("li", {}, words))),
  );
}

// shown is an item as the history shows it, under the name of its list.
function shown(list, item) {
  if (list === "observations") return [codeName(item.code), " ", found(item.value)];
  if (list === "panels") return [codeName(item.code), " ", (item.observations ?? []).map((o, i) => [i > 0 && " · ", codeName(o.code), " ", found(o.value)])];
  return [el("span", { class: "kind" }, t(parts[list].title)), " ", parts[list].line(item)];
}

/** The whole correction of an entry: what was typed, what is kept, and why. */
export function corrected(f, item, typedEntry, carried, why) {
  const out = { ...carried.rest, ...typedEntry };
  [...f.querySelectorAll("[name=keep]")].forEach((box, i) => {
    const [list, value] = carried.lists[i];
    if (box.checked) out[list] = [...(out[list] ?? []), value];
  });
  return { ...out, amends: item.id, notes: [...(out.notes ?? []), reasonNote(item.entry, why)] };
}

/** An entry that says that another was entered in error, and why. */
export const inError = ({ id, entry }, why) => prune({
  person: entry.person, class: entry.class, amends: id, entered_in_error: true, notes: [reasonNote(entry, why)],
});

// reasonNote is as sensitive as what it is about. What it is for is said to
// each reader in their own language.
const reasonNote = (entry, why) => prune({ text: why, kind: "correction", sensitive: sensitive(entry) });

const sensitive = (v) => v !== null && typeof v === "object" && Object.entries(v).some(([k, x]) => (k === "sensitive" && x === true) || sensitive(x));
