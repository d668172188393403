// A visit of a patient whose card is not there: the centre gives the keys.

import { Refused, openCardless } from "./api.js";
import { byId, el, fill, ltr, show } from "./dom.js";
import { inLanguage, t, term } from "./words.js";

const reasons = ["forgotten", "lost", "broken", "emergency"];
let drawn = "";

/** Offers the form to who is signed in; opened(visit) takes what it opens. */
export function showCardless(signed, opened) {
  const may = Boolean(signed?.operator);
  show(byId("cardless"), may);
  const words = JSON.stringify([document.documentElement.lang, may]);
  if (drawn === words) return; // what is being typed stays
  drawn = words;
  fill(byId("cardless"), may && el("details", {}, el("summary", {}, t("cardless.title")), el("p", {}, t("cardless.text")), form(opened)));
}

function form(opened) {
  const patient = el("input", { id: "cardless-patient", name: "patient", required: true, maxlength: 32, autocomplete: "off", spellcheck: "false", dir: "ltr" });
  const person = el("input", { id: "cardless-person", name: "person", type: "number", min: 0, max: 15, value: 0, required: true });
  const reason = el("select", { id: "cardless-reason", name: "reason" }, reasons.map((r) => el("option", { value: r }, term("reason", r))));
  const photo = el("input", { id: "cardless-photo", name: "photo", type: "checkbox", required: true });
  const why = el("p", { class: "refused", role: "alert" });
  const button = el("button", { type: "submit", class: "primary" }, t("cardless.open"));
  const submit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    fill(why);
    try {
      const { visit } = await openCardless({ patient: patient.value.trim(), person: Number(person.value), proof: "photo", reason: reason.value });
      event.target.reset();
      opened(visit);
    } catch (error) {
      fill(why, error instanceof Refused ? [inLanguage(error.failure.text), " ", ltr(error.failure.code, { class: "code" })] : t("lost.short"));
    } finally {
      button.disabled = false;
    }
  };
  return el("form", { onsubmit: submit },
    el("label", { for: "cardless-patient" }, t("cardless.patient")), patient,
    el("label", { for: "cardless-person" }, t("cardless.person")), person,
    el("label", { for: "cardless-reason" }, t("cardless.reason")), reason,
    el("label", { class: "tick" }, photo, " ", t("cardless.photo")),
    button, why);
}
