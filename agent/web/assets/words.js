// The page's words in three languages. words.json is the one table; the server
// fills the page with the same one.

let table = {};
let current = document.documentElement.lang;

/** Fetches the table once. */
export async function loadWords() {
  table = await (await fetch("/assets/words.json")).json();
}

/** The language in use: "ar", "ckb" or "en". */
export const language = () => current;

/** The words for key, with {name} replaced; the key itself when unknown. */
export function t(key, values = {}) {
  const words = table[key]?.[current] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** The words for a value of one of the API's lists, or the value as it is. */
export function term(list, value) {
  return table[`${list}.${value}`]?.[current] ?? value ?? "";
}

/** One of the texts that come by language, with English as the last resort. */
export const inLanguage = (texts) => texts?.[current] || texts?.en || texts?.ar || "";

/** Changes the language, remembers it and rewrites what the server filled in. */
export function setLanguage(next) {
  current = next;
  document.documentElement.lang = next;
  document.documentElement.dir = next === "en" ? "ltr" : "rtl";
  document.cookie = `dhamani_language=${next}; path=/; max-age=31536000; samesite=strict`;
  retell();
}

/** Puts the words of the language wherever the page asks for them. */
export function retell(root = document) {
  document.title = t("title");
  for (const node of root.querySelectorAll("[data-t]")) node.textContent = t(node.dataset.t);
  for (const node of root.querySelectorAll("[data-t-label]")) node.setAttribute("aria-label", t(node.dataset.tLabel));
  for (const node of root.querySelectorAll("[data-t-hint]")) node.setAttribute("placeholder", t(node.dataset.tHint));
  for (const button of root.querySelectorAll("[data-language]")) {
    button.setAttribute("aria-pressed", String(button.dataset.language === current));
  }
}
