// Silences: who is not to be disturbed with what; the list, and the form for a new one.

import { send } from "./access.js";
import { ICONS, byId, icon, make, remember, remembered } from "./dom.js";
import { minute, moment } from "./format.js";
import { onLanguage, t } from "./i18n.js";
import { now, store } from "./store.js";

const LENGTHS = ["30m", "1h", "2h", "4h", "8h", "1d", "3d"];
const DAY = 86_400;

/** A moment that is near by its time alone. */
export const until = (at) => (Math.abs(at - now()) < DAY / 2 ? minute(at) : moment(at));

/** When the silence that holds an alert back ends (Unix s), or null. */
export function silencedUntil(alert) {
  const time = now();
  const ends = store.silences.filter((one) => one.starts <= time && time < one.ends && one.alerts.includes(alert.fingerprint)).map((one) => one.ends);
  return ends.length ? Math.max(...ends) : null;
}

/** The silences that hold or will hold, those that end first on top. */
export const current = () => store.silences.filter((one) => one.ends > now()).sort((one, other) => one.ends - other.ends);

export function silenceCard(one, said) {
  const later = one.starts > now();
  return make(
    "li",
    { class: "silence" },
    icon(ICONS.muted),
    make(
      "span",
      { class: "said" },
      make("span", { class: "matchers" }, one.matchers.join(" ")),
      make("span", { class: "small" }, `${later ? t("silenceFrom", { from: until(one.starts), to: until(one.ends) }) : t("silenceUntil", { time: until(one.ends) })} · ${one.by}`),
      make("span", { class: "small" }, one.comment),
    ),
    store.writable ? make("button", { type: "button", class: "plain", "aria-label": t("endSilenceOf", { text: one.matchers.join(" ") }), on: { click: () => end(one, said) } }, t("endSilence")) : null,
  );
}

async function end(one, said) {
  try {
    await send("DELETE", `silences/${encodeURIComponent(one.id)}`);
  } catch (error) {
    said(t("failed", { text: error.message }));
  }
}

const written = (label, value) => `${label}="${value.replace(/[\\"]/g, "\\$&")}"`;

/** Ask how long and why an alert is to be silenced, and write it. */
export function askToSilence(alert, done) {
  const dialog = byId("silence");
  const form = byId("silence-form");
  const matchers = Object.entries(alert.labels).map(([label, value]) => written(label, value));
  byId("silence-what").textContent = matchers.join(" ");
  byId("silence-by").value = remembered("name") ?? "";
  byId("silence-why").value = "";
  byId("silence-wrong").textContent = "";
  form.onsubmit = async (event) => {
    event.preventDefault();
    const by = byId("silence-by").value.trim();
    remember("name", by);
    try {
      await send("POST", "silences", { matchers, lasts: byId("silence-lasts").value, created_by: by, comment: byId("silence-why").value.trim() });
    } catch (error) {
      byId("silence-wrong").textContent = t("failed", { text: error.message });
      return;
    }
    dialog.close();
    done();
  };
  byId("silence-cancel").onclick = () => dialog.close();
  dialog.showModal();
}

function drawLengths() {
  const select = byId("silence-lasts");
  const held = select.value || "2h";
  select.replaceChildren(...LENGTHS.map((value) => make("option", { value }, t("span", { n: Number.parseInt(value, 10), unit: t(`unit_${value.at(-1)}`) }))));
  select.value = held;
}
drawLengths();
onLanguage(drawLengths);

export const silencedText = (alert) => {
  const at = silencedUntil(alert);
  return at === null ? null : t("silencedUntil", { time: until(at) });
};
