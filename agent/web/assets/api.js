// Speaks to the agent: the session, requests, and the stream of events.

const tokenPlace = "dhamani_token";

/** A refusal by the agent, with its code, action and words. */
export class Refused extends Error {
  constructor(status, failure, left) {
    super(failure.code);
    this.status = status;
    this.failure = failure;
    this.left = left; // tries that a card still gives, where it counts them
  }
}

/** The agent did not answer at all. */
export class Unreachable extends Error {}

/** Opens a session from the one-time code in the address, if there is one. */
export async function openSession() {
  const code = /^#code=([A-Z2-7]+)$/.exec(location.hash)?.[1];
  if (code) {
    history.replaceState(null, "", location.pathname);
    const { token } = await ask("POST", "/v1/session", { code });
    localStorage.setItem(tokenPlace, token);
  }
  return hasSession();
}

export const hasSession = () => localStorage.getItem(tokenPlace) !== null;
export const forgetSession = () => localStorage.removeItem(tokenPlace);

/** Ends the session on both sides. */
export async function endSession() {
  try {
    await ask("POST", "/v1/session/end", {});
  } finally {
    forgetSession();
  }
}

export const get = (path, signal) => ask("GET", path, undefined, {}, signal);

/** Has a visit show another person on its card. */
export const showPersonOf = (visit, person) => ask("POST", `/v1/visits/${encodeURIComponent(visit)}/person`, { person });

/** Asks what the cover pays for a service. */
export const askCover = (visit, question) => ask("POST", `/v1/visits/${encodeURIComponent(visit)}/eligibility`, question);

/** Signs an operator in by a passphrase or a PIN, and out again. */
export const signIn = (id, secret) => ask("POST", "/v1/operator", { id, secret });
export const signOut = () => ask("DELETE", "/v1/operator");
export const stillHere = () => ask("POST", "/v1/operator/active", {});

/** Has the card compare a PIN, or the finger on the scanner; ends a capture. */
export const showPIN = (visit, pin) => ask("POST", `/v1/visits/${encodeURIComponent(visit)}/verify`, { pin });
export const scanFinger = (visit) => ask("POST", `/v1/visits/${encodeURIComponent(visit)}/finger`, {});
/** Notes how a visit's patient is known without finger and PIN. */
export const attest = (visit, by, reason) => ask("POST", `/v1/visits/${encodeURIComponent(visit)}/attest`, { by, reason });
export const cancelFinger = (visit) => ask("DELETE", `/v1/visits/${encodeURIComponent(visit)}/finger`);

/** Opens a visit of a patient whose card is not there. */
export const openCardless = (wish) => ask("POST", "/v1/cardless", wish);

/** Tells what an entry collides with; nothing is written. */
export const checkEntry = (visit, entry) => ask("POST", `/v1/visits/${encodeURIComponent(visit)}/check`, entry);

/** Writes an entry; name makes a repeated request the same request. */
export const appendEntry = (visit, entry, name) =>
  ask("POST", `/v1/visits/${encodeURIComponent(visit)}/entries`, entry, { "Idempotency-Key": name });

// Amounts keep the zeros that they came with: 7.0 is not 7.
const amounts = new Set(["value", "total", "patient"]);
function digitsKept(key, value, context) {
  if (typeof value !== "number" || !amounts.has(key) || !JSON.rawJSON || !context || context.source === String(value)) return value;
  return JSON.rawJSON(context.source);
}

async function ask(method, path, body, extra = {}, signal = null) {
  const headers = { Accept: "application/json", ...extra };
  const token = localStorage.getItem(tokenPlace);
  if (token) headers["Dhamani-Token"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store", signal });
  } catch {
    throw new Unreachable();
  }
  const value = await answer.text().then((text) => JSON.parse(text, digitsKept)).catch(() => null);
  if (answer.ok && value !== null) return value;
  throw new Refused(answer.status, value?.error ?? { code: "internal", action: "call_support", text: {} }, value?.left);
}

const quickest = 500;
const slowest = 10_000;

/**
 * Follows the event stream for ever and comes back after every break with the
 * last cursor. EventSource cannot send the session's token, so the stream is
 * read here. on = { open(), event(kind, data), lost(error) }; lost returns
 * false to give up.
 */
export async function follow(on) {
  let cursor = "";
  let pause = quickest;
  for (;;) {
    try {
      await readStream(cursor, {
        open: () => {
          pause = quickest;
          on.open();
        },
        event: (id, kind, data) => {
          if (id) cursor = id;
          on.event(kind, data);
        },
      });
      if (on.lost(new Unreachable()) === false) return;
    } catch (error) {
      if (on.lost(error) === false) return;
    }
    await new Promise((done) => setTimeout(done, pause * (0.5 + Math.random())));
    pause = Math.min(pause * 2, slowest);
  }
}

async function readStream(cursor, on) {
  const stop = new AbortController();
  let patience;
  const alive = (ms) => {
    clearTimeout(patience);
    patience = setTimeout(() => stop.abort(), ms);
  };
  let silence = 20_000; // until the server says how often it beats
  alive(silence);
  try {
    const headers = { Accept: "text/event-stream", "Dhamani-Token": localStorage.getItem(tokenPlace) ?? "" };
    if (cursor) headers["Last-Event-ID"] = cursor;
    const answer = await fetch("/v1/events", { headers, signal: stop.signal, cache: "no-store" });
    if (!answer.ok) {
      const value = await answer.json().catch(() => null);
      throw new Refused(answer.status, value?.error ?? { code: "internal", text: {} });
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive(silence);
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      for (const { id, kind, data } of blocks.map(parseBlock)) {
        if (kind === "hello") {
          silence = data.heartbeat_ms * 2.5;
          on.open();
        } else if (kind) {
          on.event(id, kind, data);
        }
      }
    }
  } finally {
    clearTimeout(patience);
    stop.abort();
  }
}

function parseBlock(block) {
  const out = { id: "", kind: "", data: null };
  for (const line of block.split("\n")) {
    if (line.startsWith("id: ")) out.id = line.slice(4);
    else if (line.startsWith("event: ")) out.kind = line.slice(7);
    else if (line.startsWith("data: ")) out.data = JSON.parse(line.slice(6));
  }
  return out;
}
