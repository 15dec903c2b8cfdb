// The alerts that fire now, with their reasons; what is pending; what is over.

import { ICONS, icon, make } from "./dom.js";
import { age, unix } from "./format.js";
import { annotation, resolution, t } from "./i18n.js";
import { current, silenceCard, silencedText, silencedUntil } from "./silences.js";
import { health } from "./sources.js";
import { now, reading, store } from "./store.js";

const RESOLVED_SHOWN = 6;
const LOUDNESS = { critical: 0, warning: 1, info: 2 };

const since = (alert) => now() - unix(alert.state === "resolved" ? (alert.ends_at ?? alert.at) : alert.starts_at);

export const summary = (alert) => annotation(alert, "summary") ?? `${alert.rule}: ${alert.scope}`;

function words(alert) {
  if (alert.state === "resolved") return t("resolvedAgo", { age: age(since(alert)) });
  if (alert.state === "pending") return t("pendingFor", { age: age(since(alert)) });
  const firing = t("firingFor", { age: age(since(alert)) });
  return alert.clear_since ? `${firing} · ${t("clearing")}` : firing;
}

function card(alert, open) {
  const resolves = resolution(alert);
  const silenced = alert.state === "resolved" ? null : silencedText(alert);
  return make(
    "li",
    {},
    make(
      "button",
      { type: "button", class: "alert", "data-state": alert.state, "data-severity": alert.severity, "data-silenced": silenced !== null, "data-fingerprint": alert.fingerprint, on: { click: () => open(alert.fingerprint) } },
      icon(alert.state === "resolved" ? ICONS.good : alert.state === "pending" ? ICONS.pending : ICONS[alert.severity]),
      make(
        "span",
        { class: "said" },
        make(
          "span",
          { class: "line" },
          make("span", { class: "severity" }, t(alert.state === "resolved" ? "state_resolved" : `severity_${alert.severity}`)),
          make("span", { class: "for", "data-since": alert.fingerprint }, words(alert)),
        ),
        make("span", { class: "summary" }, summary(alert)),
        silenced ? make("span", { class: "silenced" }, icon(ICONS.muted), silenced) : null,
        alert.state === "firing" && resolves ? make("span", { class: "resolves" }, t("resolvesWhen", { text: resolves })) : null,
      ),
    ),
  );
}

export class AlertsList {
  constructor(element, counter, announcer, open) {
    Object.assign(this, { element, counter, announcer, open });
    this.drawn = "";
  }

  update() {
    if (reading() && store.alerts.size === 0) {
      this.drawn = "";
      this.element.replaceChildren(...Array.from({ length: 3 }, () => make("div", { class: "alert skeleton", "aria-hidden": "true" })));
      return;
    }
    const all = [...store.alerts.values()];
    const firing = all.filter((alert) => alert.state === "firing");
    const silenced = new Map(all.map((alert) => [alert.fingerprint, silencedUntil(alert)]));
    const quiet = (alert) => Number(silenced.get(alert.fingerprint) !== null);
    firing.sort((one, other) => quiet(one) - quiet(other) || LOUDNESS[one.severity] - LOUDNESS[other.severity] || unix(other.starts_at) - unix(one.starts_at));
    const pending = all.filter((alert) => alert.state === "pending");
    const resolved = all
      .filter((alert) => alert.state === "resolved")
      .sort((one, other) => unix(other.at) - unix(one.at))
      .slice(0, RESOLVED_SHOWN);
    const silences = current();
    const blind = store.sources.some((source) => health(source) !== "ok");
    this.counter.hidden = firing.length === 0;
    this.counter.textContent = String(firing.length);
    this.counter.dataset.severity = firing[0]?.severity ?? "";
    const drawn = JSON.stringify([document.documentElement.lang, firing, pending, resolved, [...silenced.values()], silences, store.writable, blind]);
    if (drawn === this.drawn) {
      this.tick();
      return;
    }
    this.drawn = drawn;
    const held = document.activeElement?.dataset?.fingerprint;
    this.element.replaceChildren(
      ...(firing.length
        ? [make("ul", { class: "cards" }, firing.map((alert) => card(alert, this.open)))]
        : [make("div", { class: "calm" }, icon(ICONS.good), make("p", { class: "title" }, t("alertsNone")), make("p", { class: "hint" }, t(blind ? "alertsNoneBlind" : "alertsNoneHint")))]),
      ...this.group("pending", pending),
      ...(silences.length ? [make("h3", {}, t("silences")), make("ul", { class: "silences" }, silences.map((one) => silenceCard(one, (text) => (this.announcer.textContent = text))))] : []),
      ...this.group("resolvedLately", resolved),
    );
    // who stood on an alert stays on it
    if (held) this.element.querySelector(`[data-fingerprint="${CSS.escape(held)}"]`)?.focus();
  }

  group(title, alerts) {
    if (alerts.length === 0) return [];
    return [make("h3", {}, t(title)), make("ul", { class: "cards quiet" }, alerts.map((alert) => card(alert, this.open)))];
  }

  tick() {
    for (const element of this.element.querySelectorAll("[data-since]")) {
      const alert = store.alerts.get(element.dataset.since);
      if (alert) element.textContent = words(alert);
    }
  }

  /** Say aloud what has turned. */
  announce(turned) {
    const said = turned
      .filter(({ before, alert }) => alert.state === "firing" || (alert.state === "resolved" && before))
      .map(({ alert }) => t(alert.state === "firing" ? "announceFiring" : "announceResolved", { text: summary(alert) }));
    if (said.length) this.announcer.textContent = said.join(" ");
  }
}
