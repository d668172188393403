// Proving that the patient is there: a finger on the scanner, or the card's PIN.

import { Refused, attest, cancelFinger, scanFinger, showPIN } from "./api.js";
import { byId, el, fill, show } from "./dom.js";
import { number } from "./format.js";
import { inLanguage, t, term } from "./words.js";

const state = { visit: "", busy: false, guide: null, refused: "" };
let drawn = "";

// nameOf names whom a proof is about: a person on the card of a visit.
const nameOf = (visit) => `${visit.id} ${visit.person}`;

/** Shows how the patient of a visit was verified, or the ways to do it. */
export function showProof(visit) {
  if (state.visit !== nameOf(visit)) Object.assign(state, { visit: nameOf(visit), busy: false, guide: null, refused: "" });
  const box = byId("prove");
  const may = visit.ready && !visit.cardless && (visit.present || visit.verified);
  show(box, may);
  const words = JSON.stringify([document.documentElement.lang, may, nameOf(visit), visit.verified, visit.finger, visit.attested, visit.present, state]);
  if (drawn === words) return; // what is being typed stays
  drawn = words;
  fill(box, may && (visit.verified ? proven(visit.finger) : ways(visit)));
}

function proven(finger) {
  const how = finger ? t(`prove.by.${finger.way}`, { finger: term("finger", String(finger.finger)) }) : t("prove.by.pin");
  return el("p", { class: finger?.soft ? "proven soft" : "proven" }, el("strong", {}, t("prove.yes")), " ", how,
    finger?.soft && el("em", {}, " ", t("prove.soft")));
}

function ways(visit) {
  const told = el("p", { class: "refused", role: "alert" }, state.refused);
  if (state.busy) {
    return [
      el("h2", {}, t("prove.title")),
      el("p", { class: "guide", role: "status" }, guided(state.guide)),
      el("button", { type: "button", class: "plain", onclick: () => cancelFinger(visit.id).catch(() => {}) }, t("prove.cancel")),
      told,
    ];
  }
  const pin = el("input", { id: "pin", name: "pin", type: "password", inputmode: "numeric", autocomplete: "off", minlength: 4, maxlength: 8, required: true, dir: "ltr" });
  const submit = (event) => {
    event.preventDefault();
    const secret = western(pin.value);
    pin.value = "";
    attempt(visit, () => showPIN(visit.id, secret));
  };
  return [
    el("h2", {}, t("prove.title")),
    el("button", { type: "button", class: "primary", onclick: () => attempt(visit, () => scanFinger(visit.id), true) }, t("prove.finger")),
    el("form", { onsubmit: submit }, el("label", { for: "pin" }, t("prove.pin")), pin, el("button", { type: "submit", class: "plain" }, t("prove.check"))),
    instead(visit),
    told,
  ];
}

const whys = ["finger_refused", "finger_unreadable", "none_enrolled", "scanner_absent", "pin_forgotten", "emergency"];

/** The last step: somebody's word, with a reason. It opens nothing. */
function instead(visit) {
  if (visit.attested) {
    return el("p", { class: "attested" }, t("attest.done", { by: term("attest.by", visit.attested.by), reason: term("why", visit.attested.reason) }));
  }
  const choice = (name, label, list, values) => [
    el("label", { for: name }, label),
    el("select", { id: name, name }, values.map((value) => el("option", { value }, term(list, value)))),
  ];
  const submit = (event) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    attempt(visit, () => attest(visit.id, given.get("attest-by"), given.get("attest-why")));
  };
  return el("details", {}, el("summary", {}, t("attest.title")),
    el("form", { onsubmit: submit },
      choice("attest-by", t("attest.how"), "attest.by", ["photo", "guardian"]), choice("attest-why", t("attest.why"), "why", whys),
      el("button", { type: "submit", class: "plain" }, t("attest.note"))));
}

/** What the scanner asks for, and of put_finger which finger. */
function guided(guide) {
  const which = guide?.finger ? term("finger", String(guide.finger)) : "";
  return [inLanguage(guide?.text) || t("prove.wait"), which && ` (${which})`];
}

/** Digits of all three kinds that keyboards here have, as a card knows them. */
const western = (text) => text.replace(/[٠-٩۰-۹]/g, (d) => String(d.charCodeAt(0) & 0xf));

async function attempt(visit, send, busy = false) {
  Object.assign(state, { busy, guide: null, refused: "" });
  showProof(visit);
  let outcome = "";
  try {
    await send();
  } catch (error) {
    outcome = error instanceof Refused ? refusal(error) : t("lost.short");
  }
  if (state.visit !== nameOf(visit)) return; // another patient is on the screen now
  Object.assign(state, { busy: false, guide: null, refused: outcome });
  // Success comes with an event, and the visit that it brings is drawn then.
  if (outcome) showProof(visit);
}

function refusal(error) {
  const left = error.left === undefined ? "" : ` ${t("prove.left", { n: number(error.left) })}`;
  return (inLanguage(error.failure.text) || error.failure.code) + left;
}

/** Takes what the person at the scanner should do, from an event. */
export function guideProof(visit, event) {
  if (!visit || event.visit !== visit.id || !state.busy) return;
  state.guide = event.finger;
  showProof(visit);
}

/** Forgets what is drawn, for a page without a visit. */
export function forgetProof() {
  drawn = "";
  Object.assign(state, { visit: "", busy: false, guide: null, refused: "" });
  fill(byId("prove"));
  show(byId("prove"), false);
}
