// What the top line and the failure list tell.

import { byId, el, fill, ltr, own } from "./dom.js";
import { clock, digits, number } from "./format.js";
import { inLanguage, t, term } from "./words.js";

/** Shows reader, card and centre. */
export function showState(state) {
  const { health, readers, sync, visit } = state;
  const chips = [];
  if (state.lost) chips.push(["bad", t("lost.short")]);
  else if (health) {
    if (health.pcsc !== "up") chips.push(["bad", t("reader.down")]);
    else if (readers.length === 0) chips.push(["bad", t("reader.none")]);
    else chips.push(["good", t("reader.ready")]);
    if (visit && visit.present && !visit.ready) chips.push(["warn", t("card.reading")]);
    else if (readers.some((r) => r.card_present)) chips.push(["good", t("card.in")]);
    else chips.push(["", t(visit ? "card.left" : "card.out")]);
  }
  if (sync && !state.lost) {
    chips.push([sync.online ? "good" : "warn", t(sync.online ? "sync.online" : "sync.offline"), sync.last_success && t("sync.last", { time: clock(sync.last_success) })]);
    if (sync.outbox > 0) chips.push(["warn", t("sync.waiting", { n: number(sync.outbox) })]);
    if (sync.quarantined > 0) chips.push(["bad", t("sync.refused", { n: number(sync.quarantined) })]);
  }
  const words = JSON.stringify(chips);
  const list = byId("state");
  if (list.dataset.words !== words) {
    list.dataset.words = words;
    fill(list, chips.map(([kind, text, title]) => el("li", { class: kind, title }, text)));
  }
  fill(byId("post"), health && [term("role", (health.operator ?? health).role), " · ", t("facility", { n: digits(health.facility) })]);
}

/** Shows what went wrong, newest first, until dismissed or mended. */
export function showFailures(list, dismiss) {
  const box = byId("failures");
  const words = JSON.stringify([document.documentElement.lang, list]);
  if (box.dataset.words === words) return; // not read out again
  box.dataset.words = words;
  fill(
    box,
    list.map((f) => el(
      "div",
      { class: "failure", "data-code": f.code },
      el("strong", {}, inLanguage(f.text) || f.code),
      el("span", {}, f.action && [el("span", { class: "do" }, term("action", f.action)), " "], f.reader && [own(f.reader), " "], ltr(f.code, { class: "code" })),
      el("button", { type: "button", class: "plain", onclick: () => dismiss(f.code) }, t("failure.dismiss")),
    )),
  );
}
