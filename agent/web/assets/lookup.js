// A field that suggests codes while somebody types: the list below it comes
// from the terminology table that the agent has in use, forgives spelling, and
// is worked with the keyboard alone (ARIA's combobox with a list).

import { get } from "./api.js";
import { el, fill, ltr, own } from "./dom.js";
import { number } from "./format.js";
import { choose, learn } from "./picks.js";
import { language, t } from "./words.js";

const pause = 120; // ms without a key before the table is asked
const patience = 2000; // ms that the table may take; what is typed counts as it stands after them
const most = 8;
const due = new Set(); // fields whose search has not begun, each as what begins it
const asking = new Set(); // searches that are under way
let serial = 0;

/** Whether something typed has not been looked up yet. */
export const unsettled = () => due.size > 0 || asking.size > 0;

/** Waits until what was typed so far has been looked up, or could not be in time. */
export function settled() {
  for (const begin of [...due]) begin();
  return Promise.all(asking);
}

/** Asks the table for what is typed; nothing when the agent does not answer. */
async function search(text, system) {
  const query = new URLSearchParams({ q: text, system, lang: language(), limit: String(most) });
  try {
    return (await get(`/v1/terms?${query}`, AbortSignal.timeout(patience))).terms;
  } catch {
    return []; // what is typed counts as it stands
  }
}

/**
 * Makes a list of suggestions for an input, to be put beside it. chosen is called
 * when one was taken, and when the table knows more of what was typed.
 */
export function suggest(input, system, chosen) {
  serial += 1;
  const list = el("ul", { id: `pick${serial}`, class: "picks", role: "listbox", "aria-label": t("pick.list"), hidden: true });
  const count = el("span", { class: "visually-hidden", role: "status" });
  for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": list.id })) {
    input.setAttribute(name, value);
  }
  let found = [];
  let at = -1; // of the option that the arrows are on
  let timer;
  let asked = 0; // counts the questions, so that a late answer is passed over

  const close = () => {
    at = -1;
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    fill(count);
  };
  const move = (to) => {
    at = (to + found.length) % found.length;
    [...list.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
    input.setAttribute("aria-activedescendant", list.children[at].id);
    list.children[at].scrollIntoView({ block: "nearest" });
  };
  const take = (pick) => {
    stop();
    asked += 1;
    choose(input, pick);
    close();
    chosen();
  };
  const option = (pick, i) => el(
    "li",
    { id: `${list.id}-${i}`, role: "option", "aria-selected": "false",
      onmousedown: (event) => { event.preventDefault(); take(pick); } },
    own(pick.words), " ", ltr(pick.code, { class: "code" }),
    pick.sensitive && el("span", { class: "tag amber" }, t("sensitive")),
    pick.chronic && el("span", { class: "tag" }, t("chronic")),
  );
  const ask = async () => {
    stop();
    const question = (asked += 1);
    const text = input.value.trim();
    const terms = text ? await search(text, system) : [];
    learn(terms);
    if (question !== asked) return;
    if (document.activeElement !== input) return chosen();
    found = terms;
    if (found.length === 0) return close();
    at = -1;
    input.removeAttribute("aria-activedescendant");
    fill(list, found.map(option));
    list.hidden = false;
    input.setAttribute("aria-expanded", "true");
    fill(count, t("pick.count", { n: number(found.length) }));
  };
  const keys = {
    ArrowDown: () => move(at + 1),
    ArrowUp: () => move(at < 0 ? -1 : at - 1),
    Enter: () => at >= 0 && take(found[at]),
    Escape: close,
  };
  const stop = () => {
    clearTimeout(timer);
    due.delete(look);
  };
  const look = () => {
    const search = ask().finally(() => asking.delete(search));
    asking.add(search);
  };
  input.addEventListener("input", () => {
    stop();
    timer = setTimeout(look, pause);
    due.add(look);
  });
  input.addEventListener("keydown", (event) => {
    if (list.hidden || !keys[event.key] || event.isComposing) return;
    if (event.key === "Enter" && at < 0) return;
    event.preventDefault();
    keys[event.key]();
  });
  input.addEventListener("blur", () => {
    close();
    if (due.has(look)) look();
  });
  return [list, count];
}
