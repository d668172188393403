// Who is at the workstation: signing in and out, and the sign of life that
// keeps an operator from being signed out while they work.

import { Refused, signIn, signOut, stillHere } from "./api.js";
import { byId, el, fill, own, show } from "./dom.js";
import { inLanguage, t, term } from "./words.js";

const lifeEvery = 30_000; // between two signs of life, in milliseconds
let drawn = "";
let told = 0;

/** Shows who is signed in, or the form to sign in with. */
export function showOperator(signed) {
  const words = JSON.stringify([document.documentElement.lang, signed]);
  if (drawn === words) return; // what is being typed stays
  drawn = words;
  const who = signed?.operator;
  show(byId("sign-out"), Boolean(who));
  fill(byId("operator"), who && [own(who.name), " · ", term("role", who.role)]);
  const some = (signed?.operators ?? []).filter((o) => o.role);
  show(byId("sign-in"), Boolean(signed) && !who && some.length > 0);
  fill(byId("sign-in"), !who && some.length > 0 && form(some));
}

function form(some) {
  const name = el("select", { id: "operator-id", name: "id", autocomplete: "username" },
    some.map((o) => el("option", { value: o.id, dir: "auto" }, `${o.name} · ${term("role", o.role)}`)));
  const secret = el("input", { id: "operator-secret", type: "password", autocomplete: "current-password", required: true, maxlength: 256, dir: "auto" });
  const why = el("p", { class: "refused", role: "alert" });
  const button = el("button", { type: "submit", class: "primary" }, t("signin"));
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    fill(why);
    try {
      await signIn(name.value, secret.value);
    } catch (error) {
      fill(why, (error instanceof Refused && inLanguage(error.failure.text)) || t("lost.short"));
    } finally {
      secret.value = "";
      button.disabled = false;
      secret.focus();
    }
  };
  return [
    el("h2", {}, t("signin.title")),
    el("p", {}, t("signin.text")),
    el("form", { onsubmit: submit },
      el("label", { for: "operator-id" }, t("signin.who")), name,
      el("label", { for: "operator-secret" }, t("signin.secret")), secret,
      button, why),
  ];
}

/** Forgets what is drawn, for a page that closes. */
export function forgetOperator() {
  drawn = "";
  for (const id of ["operator", "sign-in"]) fill(byId(id));
  for (const id of ["sign-out", "sign-in"]) show(byId(id), false);
}

/** Listens to the button and to signs of life; here tells whether anybody is signed in. */
export function watchOperator(here) {
  byId("sign-out").addEventListener("click", () => signOut().catch(() => {}));
  const alive = () => {
    if (!here() || Date.now() - told < lifeEvery) return;
    told = Date.now();
    stillHere().catch(() => {});
  };
  for (const kind of ["pointerdown", "keydown", "wheel"]) document.addEventListener(kind, alive, { passive: true });
}
