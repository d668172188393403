// The reception page: state from the agent, shown again whenever it changes.

import { Refused, endSession, follow, forgetSession, get, hasSession, openSession, showPersonOf } from "./api.js";
import { showCardless } from "./cardless.js";
import { byId, el, fill, own, show } from "./dom.js";
import { showHistory } from "./history.js";
import { showChecks } from "./checks.js";
import { nameOf, showAlerts, showPerson, showSide, shownPerson } from "./patient.js";
import { forgetOperator, showOperator, watchOperator } from "./operator.js";
import { loadPicks } from "./picks.js";
import { forgetProof, guideProof, showProof } from "./prove.js";
import { showFailures, showState } from "./status.js";
import { inLanguage, loadWords, retell, setLanguage, t } from "./words.js";
import { followWriter, holdWriter, openCorrection, openWriter, retellWriter, typing } from "./writer.js";

const state = {
  open: false, // the session
  refused: null, // why it is not
  health: null,
  readers: [],
  sync: null,
  signed: null, // who is signed in, and who may be
  visits: [],
  visit: null, // the one on the screen
  failures: [],
  lost: false, // the agent does not answer
};
const maxFailures = 4;
const drawn = { visit: "", tabs: "" }; // what is on the screen, so that only changes are drawn

function draw() {
  const { visit, visits } = state;
  show(byId("closed"), !state.open);
  show(byId("lock"), state.open);
  show(byId("waiting"), state.open && !visit);
  show(byId("visit"), state.open && Boolean(visit));
  show(byId("visits"), state.open && visits.length > 1);
  if (!state.open) {
    fill(byId("closed-text"), inLanguage(state.refused?.text) || t("closed.text"));
    showState({ readers: [] });
    forgetOperator();
    showCardless(null);
    showFailures([], () => {});
    return;
  }
  showState(state);
  showOperator(state.signed);
  showFailures(state.failures, (code) => {
    state.failures = state.failures.filter((f) => f.code !== code);
    draw();
  });
  showCardless(state.signed, openedCardless);
  drawWaiting();
  drawTabs();
  if (!visit) {
    clearVisit();
    return;
  }
  const now = document.documentElement.lang + JSON.stringify(visit);
  if (drawn.visit === now) return;
  drawn.visit = now;
  showPerson(visit, choosePerson);
  showAlerts(visit);
  showChecks(visit);
  showProof(visit);
  showSide(visit);
  followWriter(visit);
  showHistory(visit, (item, gone) => openCorrection(visit, item, gone));
}

// choosePerson turns the visit on the screen to another person on the card.
async function choosePerson(person) {
  const visit = state.visit;
  if (!visit || person === visit.person) return;
  if (typing()) {
    holdWriter();
    return;
  }
  try {
    const shown = await showPersonOf(visit.id, person);
    state.visits = state.visits.map((v) => (v.id === shown.id ? shown : v));
    if (state.visit?.id === shown.id) state.visit = shown;
  } catch (error) {
    if (error instanceof Refused && error.status === 401) close(error.failure);
    else if (error instanceof Refused) addFailure(error.failure);
    else lost(true);
  }
  draw();
}

// openedCardless brings the visit without a card that was just opened to the front.
async function openedCardless(id) {
  await load("visits");
  const visit = state.visits.find((v) => v.id === id);
  if (!visit) return;
  if (typing()) holdWriter();
  else state.visit = visit;
  draw();
}

// clearVisit takes what was shown of a patient out of the page.
function clearVisit() {
  if (drawn.visit === "") return;
  drawn.visit = "";
  for (const id of ["person", "alerts", "checks", "side", "history", "problems", "writer"]) fill(byId(id));
  forgetProof();
}

function drawWaiting() {
  const none = state.health && (state.readers.length === 0 || state.health.pcsc !== "up");
  fill(byId("waiting-title"), t(none ? "waiting.noreader" : "waiting.title"));
  fill(byId("waiting-text"), t(none ? "waiting.noreader.text" : "waiting.text"));
}

function drawTabs() {
  const words = JSON.stringify([document.documentElement.lang, state.visit?.id, state.visits.map((v) => [v.id, v.present, v.person, v.identity?.names])]);
  if (drawn.tabs === words) return;
  drawn.tabs = words;
  fill(byId("visits"), state.visits.map((v) => el(
    "button",
    { type: "button", "aria-current": v.id === state.visit?.id ? "true" : "false", onclick: () => { state.visit = v; draw(); } },
    own(nameOf(shownPerson(v)?.names).first || t("unnamed")), !v.present && ` (${t("card.left")})`,
  )));
}

// load asks for what the event says has changed; "all" after a connection.
const parts = {
  health: async () => { state.health = await get("/v1/health"); },
  readers: async () => { state.readers = await get("/v1/readers"); },
  sync: async () => { state.sync = await get("/v1/sync"); },
  operator: async () => { state.signed = await get("/v1/operator"); },
  visits: async () => { takeVisits(await get("/v1/visits")); },
};
const needs = {
  reader_added: ["readers", "health"],
  reader_removed: ["readers", "health"],
  card_inserted: ["readers", "visits"],
  card_removed: ["readers", "visits"],
  identity_ready: ["visits"],
  records_ready: ["visits", "sync"],
  records_changed: ["visits", "sync"],
  person_shown: ["visits"],
  entry_written: ["visits", "sync"],
  sync_status: ["sync", "visits"],
  signed_in: ["operator", "health", "visits"],
  signed_out: ["operator", "health", "visits"],
  failure: ["health"],
  service_down: ["health", "readers"],
  service_up: ["health", "readers"],
};

function takeVisits(visits) {
  const known = new Set(state.visits.map((v) => v.id));
  const fresh = visits.find((v) => v.present && !known.has(v.id));
  const same = visits.find((v) => v.id === state.visit?.id);
  state.visits = visits;
  // A new card comes to the front, unless somebody is writing about another.
  if (fresh && !(same && typing())) state.visit = fresh;
  else state.visit = same ?? visits.find((v) => v.present) ?? visits[0] ?? null;
}

const wanted = new Set();
let loading = false;

async function load(...names) {
  names.forEach((n) => wanted.add(n));
  if (loading) return;
  loading = true;
  try {
    while (wanted.size > 0 && state.open) {
      const batch = [...wanted];
      wanted.clear();
      await Promise.all(batch.map((name) => parts[name]()));
    }
  } catch (error) {
    if (error instanceof Refused && error.status === 401) close(error.failure);
    else if (error instanceof Refused) addFailure(error.failure);
    else lost(true);
  } finally {
    loading = false;
    draw();
  }
}

function onEvent(kind, event) {
  if (kind === "card_inserted" || kind === "service_up") state.failures = state.failures.filter((f) => f.reader !== event.reader && f.code !== "reader_service_down");
  // An event that was kept for us tells of the past; only fresh failures are shown.
  if (event.failure && Date.now() - Date.parse(event.at) < 120_000) {
    addFailure({ ...event.failure, reader: event.reader });
  }
  if (kind === "finger") guideProof(state.visit, event);
  load(...(needs[kind] ?? []));
}

function addFailure(failure) {
  state.failures = [failure, ...state.failures.filter((f) => f.code !== failure.code)].slice(0, maxFailures);
}

function lost(yes) {
  state.lost = yes;
  document.body.classList.toggle("stale", yes);
  show(byId("lost"), yes);
}

function close(why) {
  forgetSession();
  lost(false);
  Object.assign(state, { open: false, refused: why, visit: null, visits: [], failures: [], health: null, sync: null, signed: null, readers: [] });
  clearVisit();
  for (const id of ["visits", "post"]) fill(byId(id));
  draw();
}

function changeLanguage(next) {
  setLanguage(next);
  drawn.tabs = "";
  retellWriter();
  draw();
}

async function start() {
  for (const button of document.querySelectorAll("[data-language]")) button.addEventListener("click", () => changeLanguage(button.dataset.language));
  byId("lock").addEventListener("click", () => endSession().catch(() => {}).then(() => close(null)));
  byId("new").addEventListener("click", () => openWriter(state.visit));
  watchOperator(() => Boolean(state.signed?.operator));
  await Promise.all([loadWords(), loadPicks()]);
  retell();
  try {
    state.open = await openSession();
  } catch (error) {
    state.open = hasSession();
    state.refused = error.failure ?? null;
  }
  draw();
  if (!state.open) return;
  await follow({
    open: () => {
      lost(false);
      load("health", "readers", "sync", "operator", "visits");
    },
    event: onEvent,
    lost: (error) => {
      if (!state.open) return false;
      if (error instanceof Refused && error.status === 401) {
        close(error.failure);
        return false;
      }
      lost(true);
      draw();
      return true;
    },
  });
}

start();
