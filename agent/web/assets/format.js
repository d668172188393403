// Numbers and dates in the page's language. Browsers have no Sorani data and
// fall back to English without a word, so months and digits are our own.

import { language } from "./words.js";

const months = {
  ar: ["كانون الثاني", "شباط", "آذار", "نيسان", "أيار", "حزيران", "تموز", "آب", "أيلول", "تشرين الأول", "تشرين الثاني", "كانون الأول"],
  ckb: ["کانوونی دووەم", "شوبات", "ئازار", "نیسان", "ئایار", "حوزەیران", "تەمموز", "ئاب", "ئەیلوول", "تشرینی یەکەم", "تشرینی دووەم", "کانوونی یەکەم"],
  en: ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"],
};

/** Writes the digits of text as the language does. */
export function digits(text) {
  if (language() === "en") return String(text);
  return String(text).replace(/[0-9]/g, (d) => String.fromCharCode(0x0660 + Number(d)));
}

/** A whole number with groups of three. */
export function number(n) {
  const grouped = String(Math.trunc(n)).replace(/\B(?=(\d{3})+$)/g, language() === "en" ? "," : "٬");
  return digits(grouped);
}

/** A moment as day, month name and year, as much of it as is known. */
export function date(value) {
  const d = parse(value);
  if (!d) return "";
  const known = typeof value === "string" ? value.length : 0;
  if (known === 4) return digits(d.getFullYear());
  if (known === 7) return digits(`${months[language()][d.getMonth()]} ${d.getFullYear()}`);
  return digits(`${d.getDate()} ${months[language()][d.getMonth()]} ${d.getFullYear()}`);
}

/** A date with hours and minutes. */
export function dateTime(value) {
  const d = parse(value);
  return d ? `${date(d)}${language() === "en" ? "," : "،"} ${clock(d)}` : "";
}

/** Hours and minutes. */
export function clock(value) {
  const d = parse(value);
  return d ? digits(`${String(d.getHours()).padStart(2, "0")}:${String(d.getMinutes()).padStart(2, "0")}`) : "";
}

/** Turns digits of any of the three scripts into 0-9, and ٫ into a point. */
export function plain(text) {
  return text
    .replace(/[\u0660-\u0669]/g, (d) => String(d.charCodeAt(0) - 0x0660))
    .replace(/[\u06f0-\u06f9]/g, (d) => String(d.charCodeAt(0) - 0x06f0))
    .replace(/٫/g, ".")
    .trim();
}

/** Whole years and months between birth and now. */
export function age(birth, now = new Date()) {
  const b = parse(birth);
  if (!b) return null;
  let m = (now.getFullYear() - b.getFullYear()) * 12 + now.getMonth() - b.getMonth();
  if (now.getDate() < b.getDate()) m -= 1;
  return m < 0 ? null : { years: Math.floor(m / 12), months: m % 12 };
}

/** The first instant of a moment. */
export const momentStart = (value) => parse(value) ?? new Date(NaN);

/** The first instant after a moment: a day ends at midnight. */
export function momentEnd(value) {
  const d = momentStart(value);
  if (value.length === 4) d.setFullYear(d.getFullYear() + 1);
  else if (value.length === 7) d.setMonth(d.getMonth() + 1);
  else if (value.length === 10) d.setDate(d.getDate() + 1);
  return d;
}

// A date without a time is a day of the calendar, not midnight in Greenwich.
function parse(value) {
  if (value instanceof Date) return new Date(value);
  const day = /^(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?$/.exec(value ?? "");
  const d = day ? new Date(Number(day[1]), Number(day[2] ?? 1) - 1, Number(day[3] ?? 1)) : new Date(value ?? NaN);
  return Number.isNaN(d.getTime()) || d.getFullYear() < 1800 ? null : d;
}
