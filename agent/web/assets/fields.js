// What the forms for entries are made of: fields with their labels and what is
// wrong with them, lines that can be added, and reading what was typed.

import { exactCode } from "./codes.js";
import { add, byId, el, fill, ltr } from "./dom.js";
import { number, plain } from "./format.js";
import { suggest } from "./lookup.js";
import { read as codeOf } from "./picks.js";
import { t, term } from "./words.js";

export const maxNote = 600; // bytes
const maxCode = 32; // bytes of a code's value
const maxText = 160; // bytes of words in place of a code
const decimal = /^-?\d{1,9}(\.\d{1,6})?$/;
const bytes = (text) => new TextEncoder().encode(text).length;
let serial = 0;

/** An input with its label before it, and a line for what is to be said of it. */
export function field(label, input, kind = "") {
  serial += 1;
  const id = `f${serial}`;
  input.id = id;
  input.setAttribute("aria-describedby", `${id}-note`);
  return el("div", { class: `field ${kind}` }, el("label", { for: id }, label), input, el("span", { id: `${id}-note`, "aria-live": "polite" }));
}

/** A box to tick. */
export function check(name, label, checked = false) {
  serial += 1;
  return el("div", { class: "field check" }, el("input", { type: "checkbox", name, id: `f${serial}`, checked }), el("label", { for: `f${serial}` }, label));
}

/** A choice among the values of a list. */
export const select = (name, list, values) => el("select", { name }, values.map((value) => el("option", { value }, term(list, value))));

/** Writes a line below an input: a finding, or with "bad" what is wrong. */
export function note(input, words, kind = "bad") {
  const line = byId(input.getAttribute("aria-describedby"));
  if (!line) return;
  fill(line, words && el("span", { class: kind }, words));
  if (kind === "bad" && words) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/** Lines of one kind under a title, and a button for another one. */
export function group(kind, title, row, count) {
  const set = el("fieldset", { "data-kind": kind }, el("legend", {}, title));
  const more = el("button", { type: "button", class: "plain", "aria-label": `${t("form.add")}: ${title}`, onclick: () => {
    const fresh = row();
    more.before(fresh);
    fresh.querySelector("input").focus();
  } }, "+ ", t("form.add"));
  return add(set, [Array.from({ length: count }, row), more]);
}

/** A line of such a group, which can be taken away. */
export function line(...fields) {
  const row = el("div", { class: "row" }, fields);
  row.append(el("button", { type: "button", class: "remove", "aria-label": t("form.remove"), title: t("form.remove"), onclick: () => {
    const set = row.parentElement;
    if (set.querySelectorAll(".row").length > 1) row.remove();
    else for (const x of row.querySelectorAll("input")) { x.value = ""; x.checked = false; note(x, ""); }
    set.querySelector("input, button").focus();
  } }, "×"));
  return row;
}

/** An input for a code or words that tells at once how it was read. */
export function coded(name, label, system) {
  const input = el("input", { name, dir: "auto", onchange: () => tellCode(input, system) });
  return add(field(label, input, "wide"), suggest(input, system, () => tellCode(input, system)));
}

/** Tells how a code was read, and fills in what is known with it. */
export function tellCode(input, system) {
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
}

/** The fields of a line or a form by their names. */
export const named = (box) => Object.fromEntries([...box.querySelectorAll("[name]")].map((x) => [x.name, x]));

/** What was typed, without the space around it. */
export const typed = (input) => input.value.trim();

/** Whether a field of so many bytes, and of several lines or one, gives text back as it is. */
export const fits = (text, limit, lines) => bytes(text) <= limit && text.trim() === text && !(lines ? /\r/ : /[\r\n]/).test(text);

/** Reads fields, and keeps the first in which something is wrong. */
export class Reading {
  wrong = null;

  fail(input, words) {
    note(input, words);
    this.wrong ??= input;
  }

  code(input, system) {
    if (!typed(input)) return this.fail(input, t("bad.code"));
    const { code } = codeOf(input, system);
    const limit = code.system === "text" ? maxText : maxCode;
    if (bytes(code.code) > limit) this.fail(input, t("bad.long", { n: number(limit) }));
    return code;
  }

  /** A whole number from 1 to max, or nothing. */
  whole(input, max) {
    const text = plain(input.value);
    if (!text) return undefined;
    const n = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    if (n < 1 || n > max) this.fail(input, t("bad.whole", { min: number(1), max: number(max) }));
    return n;
  }

  /** A number with the zeros that were typed, or nothing. */
  decimal(input) {
    const text = plain(input.value);
    if (decimal.test(text)) return exact(text);
    if (text) this.fail(input, t("bad.number"));
    return undefined;
  }

  /** An amount in whole dinars, in groups of three or not; nothing when empty. */
  dinars(input) {
    const text = plain(input.value);
    if (!text) return undefined;
    const sum = dinars(text);
    if (sum === null) this.fail(input, t("bad.dinars"));
    return sum ?? undefined;
  }

  clean(input, limit) {
    if (bytes(typed(input)) > limit) this.fail(input, t("bad.long", { n: number(limit) }));
    return typed(input);
  }
}

/** Whether a line is a number. */
export const measured = (text) => decimal.test(plain(text));

/** Whole dinars as somebody types them, in digits of three scripts; else null. */
export function dinars(text) {
  const digits = plain(text).replace(/(?<=\d)[ \u00a0,٬،](?=\d{3}(?!\d))/g, "");
  return /^\d{1,9}$/.test(digits) ? Number(digits) : null;
}

// exact keeps the zeros that a person typed: 7.0 is not 7. JSON.stringify
// writes numbers its own way, so the text goes out through rawJSON.
const exact = (text) => JSON.rawJSON?.(text.replace(/^(-?)0+(?=\d)/, "$1")) ?? Number(text);

/** Leaves out what was not said. */
export const prune = (o) => Object.fromEntries(Object.entries(o).filter(([, v]) => v !== undefined && v !== "" && v !== false && !(Array.isArray(v) && v.length === 0)));
