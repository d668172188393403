// What a person meant by a line of text: a code, the words of a known code, or
// just words. Known are the codes that are often entered, and those that were
// suggested since the page was opened.

let picks = [];
let learnt = [];
const remembered = 400;

const shapes = {
  icd10: /^[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?$/,
  atc: /^[A-Z][0-9]{2}[A-Z]{1,2}([0-9]{2})?$/,
  loinc: /^[0-9]{1,7}-[0-9]$/,
};

/** Fetches the suggestions once. */
export async function loadPicks() {
  picks = await (await fetch("/assets/picks.json")).json();
}

/** Puts the words of a suggestion into an input, which stand for its code. */
export function choose(input, pick) {
  learn([pick]);
  stand(input, pick.words, pick.code);
}

/** Has words in an input stand for a code, as long as they stay what they are. */
export function stand(input, words, code) {
  input.value = words;
  input.dataset.words = words;
  input.dataset.code = code;
}

/** Reads an input: the code that its words stand for, or what the line means. */
export function read(input, system) {
  const { words, code } = input.dataset;
  if (!code || words !== input.value) return meant(input.value, system);
  return { code: { system, code }, pick: [...learnt, ...picks].find((p) => p.system === system && p.code === code) ?? null };
}

/** Remembers what the table has suggested. */
export function learn(found) {
  const fresh = found.filter((p) => !learnt.some((q) => q.system === p.system && q.code === p.code));
  learnt = [...fresh, ...learnt].slice(0, remembered);
}

// fold makes spellings alike that people do not tell apart when they type:
// the forms of alef, yeh, kaf and heh, marks, and digits of three scripts.
function fold(text) {
  return text
    .normalize("NFKC")
    .replace(/[\u064b-\u065f\u0670\u0640\u200c-\u200f]/g, "")
    .replace(/[أإآٱ]/g, "ا")
    .replace(/[ىیئ]/g, "ي")
    .replace(/[ة\u06d5]/g, "ه")
    .replace(/ک/g, "ك")
    .replace(/[\u0660-\u0669]/g, (d) => String(d.charCodeAt(0) - 0x0660))
    .replace(/[\u06f0-\u06f9]/g, (d) => String(d.charCodeAt(0) - 0x06f0))
    .trim()
    .toLowerCase();
}

// meant reads a line as {code, pick}; a line that is no code is kept as text.
function meant(text, system) {
  const exact = text.trim().toUpperCase();
  const folded = fold(text);
  const known = [...picks, ...learnt].find((p) => p.system === system && (p.code === exact || Object.values(p.displays).some((d) => fold(d) === folded)));
  if (known) return { code: { system, code: known.code }, pick: known };
  if (shapes[system].test(exact)) return { code: { system, code: exact }, pick: null };
  return { code: { system: "text", code: text.trim() }, pick: null };
}
