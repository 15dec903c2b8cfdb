// The drawer: a scope down to its last calls, or the story of an alert. Its address is in the hash.

import { get } from "./access.js";
import { summary } from "./alerts.js";
import { chart } from "./chart.js";
import { ICONS, icon, make } from "./dom.js";
import { NONE, basisName, clock, count, dayOf, kindName, length, measure, moment, parseScope, percent, scopeTitle, unix, windowName } from "./format.js";
import { annotation, isWord, language, resolution, t, vendorName } from "./i18n.js";
import { withoutData } from "./sources.js";
import { askToSilence, silencedText } from "./silences.js";
import { now, store } from "./store.js";
import { intervalBar, intervalText, worstNumbers } from "./tiles.js";

const REFRESH_MS = 3000;
const INSIDE = 8;

const address = (kind, id) => `#/${kind}/${encodeURIComponent(id)}`;
export const scopeAddress = (scope) => address("scope", scope.text);
export const alertAddress = (fingerprint) => address("alert", fingerprint);

export class Panel {
  constructor(dialog, showInTable) {
    this.dialog = dialog;
    this.showInTable = showInTable;
    this.shown = null;
    this.chart = null;
    dialog.addEventListener("close", () => this.closed());
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    setInterval(() => this.dialog.open && !document.hidden && this.load(), REFRESH_MS);
  }

  /** Show what the hash asks for. */
  route() {
    const match = /^#\/(scope|alert)\/(.+)$/.exec(location.hash);
    if (!match) {
      if (this.dialog.open) this.dialog.close();
      return;
    }
    let id;
    try {
      id = decodeURIComponent(match[2]);
    } catch {
      return; // somebody mistyped an address
    }
    this.shown = { kind: match[1], id };
    this.clear();
    this.dialog.replaceChildren(this.frame(t("loading"), [], [make("div", { class: "line skeleton" }), make("div", { class: "chart skeleton" })]));
    if (!this.dialog.open) this.dialog.showModal();
    this.load();
  }

  closed() {
    this.clear();
    this.shown = null;
    if (location.hash.startsWith("#/")) history.pushState(null, "", location.pathname + location.search);
  }

  clear() {
    this.chart?.destroy();
    this.chart = null;
    this.drawn = null;
  }

  /** Draw again in another language or theme. */
  redraw() {
    if (!this.shown) return;
    this.clear();
    this.load();
  }

  async load() {
    const { shown } = this;
    if (!shown) return;
    let told;
    try {
      told = shown.kind === "scope" ? await get("scope", { scope: shown.id }) : await get(`alerts/${encodeURIComponent(shown.id)}`);
    } catch (error) {
      if (this.shown !== shown || this.drawn) return; // what is there stays; the page says that we are disconnected
      const text = error.status === 404 ? t("gone") : t("failed", { text: error.message });
      this.dialog.replaceChildren(this.frame(text, [], []));
      return;
    }
    if (this.shown !== shown) return;
    const scroll = this.dialog.querySelector(".content")?.scrollTop ?? 0;
    await (shown.kind === "scope" ? this.drawScope(told) : this.drawStory(told));
    const content = this.dialog.querySelector(".content");
    if (content) content.scrollTop = scroll;
  }

  frame(title, crumbs, content, tags = []) {
    return make(
      "div",
      { class: "drawer" },
      make(
        "header",
        {},
        make("div", { class: "titles" }, crumbs.length ? make("nav", { class: "crumbs", "aria-label": t("scope") }, crumbs) : null, make("h2", { id: "panel-title" }, title), tags.length ? make("p", { class: "tags" }, tags) : null),
        make("button", { type: "button", class: "tool close", "aria-label": t("close"), on: { click: () => this.dialog.close() } }, icon(ICONS.close)),
      ),
      make("div", { class: "content", tabindex: "0", role: "region", "aria-label": title }, content),
    );
  }

  crumbs(scope) {
    const link = (text, to) => make("a", { href: address("scope", to) }, text);
    const found = [];
    if (scope.account !== null) found.push(link(vendorName(scope.vendor), `${scope.basis}:${scope.vendor}`));
    if (scope.value !== null) found.push(icon(ICONS.next), link(scope.account, `${scope.basis}:${scope.vendor}/${scope.account}`));
    return found;
  }

  async drawScope(told) {
    const scope = parseScope(told.scope);
    const head = told.metrics.find((metric) => metric.window.name === store.window) ?? told.metrics[0];
    const firing = told.alerts.filter((alert) => alert.state === "firing");
    const asRate = head?.attempts !== null;
    const sections = [
      firing.length ? make("ul", { class: "cards" }, firing.map((alert) => this.alertLink(alert))) : null,
      this.blindness(scope),
      asRate ? this.reading(head) : this.missedReading(head),
      this.section("course", this.chartBox(told.history.window)),
      this.section("windows", this.windows(told.metrics)),
      this.inside(scope),
      this.section("lastCalls", ...this.calls(told, scope)),
    ];
    const tags = [kindName(scope.kind), scope.kind === "vendor" ? null : vendorName(scope.vendor), basisName(scope.basis), told.name ? scope.value : null];
    const title = told.name ?? scopeTitle(scope);
    await this.place(title, this.crumbs(scope), sections, tags, {
      points: told.history.items[told.scope] ?? [],
      asRate,
      threshold: firing[0] && asRate === firing[0].metric.endsWith("_rate") ? firing[0].evidence.threshold : null,
      spans: firing.map((alert) => ({ from: unix(alert.starts_at), to: now(), kind: "firing" })),
      label: t("chartOf", { name: title, value: percent(head?.answer_rate?.value) }),
    });
  }

  async drawStory(told) {
    const { alert } = told;
    const scope = parseScope(alert.scope);
    const asRate = alert.metric.endsWith("_rate");
    const described = annotation(alert, "description");
    const resolves = resolution(alert);
    const sections = [
      make("p", { class: "verdict", "data-state": alert.state, "data-severity": alert.severity }, icon(alert.state === "resolved" ? ICONS.good : ICONS.warning), make("span", {}, `${t(`state_${alert.state}`)} · ${t(`severity_${alert.severity}`)}`)),
      this.silencing(alert),
      described ? make("p", {}, described) : null,
      this.section("course", this.chartBox(told.history.window)),
      make("dl", { class: "facts" }, this.facts(alert, resolves)),
      this.section("story", make("ol", { class: "story" }, told.transitions.map((step) => this.step(step, alert)))),
      make("p", {}, make("a", { class: "plain", href: address("scope", alert.scope) }, t("thisAlert"))),
    ];
    const tags = [alert.rule, kindName(scope.kind), vendorName(scope.vendor)];
    await this.place(summary(alert), this.crumbs(scope), sections, tags, {
      points: told.history.items[alert.scope] ?? [],
      asRate: asRate && alert.metric === "answer_rate",
      threshold: alert.metric === "answer_rate" || !asRate ? alert.evidence.threshold : null,
      spans: spansOf(told),
      label: summary(alert),
    });
  }

  blindness(scope) {
    const gone = withoutData(scope);
    return gone === null ? null : make("p", { class: "verdict", "data-state": "firing" }, icon(ICONS.silent), make("span", {}, `${t("noData")} · ${t("noDataSince", { time: clock(gone) })}`));
  }

  silencing(alert) {
    if (alert.state !== "firing" && alert.state !== "pending") return null;
    const silenced = silencedText(alert);
    if (silenced) return make("p", { class: "silenced" }, icon(ICONS.muted), silenced);
    if (!store.writable) return null;
    return make("p", { class: "silencing" }, make("button", { type: "button", class: "plain silence-this", on: { click: () => askToSilence(alert, () => this.load()) } }, icon(ICONS.muted), t("silenceThis")));
  }

  /** Put the drawer's content in place; the chart is kept and fed while it shows the same. */
  async place(title, crumbs, sections, tags, plotted) {
    const drawer = this.frame(title, crumbs, sections, tags.filter(Boolean).map((tag) => make("span", { class: "tag" }, tag)));
    const held = this.dialog.contains(document.activeElement) ? document.activeElement.className : null;
    const box = drawer.querySelector(".chart");
    const same = this.drawn === `${this.shown.kind} ${this.shown.id} ${language()} ${plotted.threshold} ${plotted.spans.length}`;
    const kept = this.dialog.querySelector(".chart.plotted");
    if (same && this.chart && kept) {
      this.chart.update(plotted.points);
      box.replaceWith(kept);
    }
    this.dialog.replaceChildren(drawer);
    if (held === "tool close") drawer.querySelector(".close").focus();
    if (held === "plain silence-this") drawer.querySelector(".silence-this")?.focus();
    if (held === "content") drawer.querySelector(".content").focus();
    if (same && this.chart) return;
    this.chart?.destroy();
    this.chart = null;
    this.drawn = `${this.shown.kind} ${this.shown.id} ${language()} ${plotted.threshold} ${plotted.spans.length}`;
    if (plotted.points.length < 2) {
      box.replaceChildren(make("p", { class: "hint" }, t("noHistory")));
      this.drawn = ""; // until there is something to draw
      return;
    }
    box.classList.add("plotted");
    this.chart = await chart(box, plotted);
  }

  section(key, ...content) {
    return make("section", {}, make("h3", {}, t(key)), ...content);
  }

  chartBox(window) {
    return make("div", { class: "chart", "data-window": windowName(window) });
  }

  reading(metric) {
    const row = metric.answer_rate ? { rate: metric.answer_rate.value, ...metric.answer_rate } : null;
    const bar = intervalBar();
    bar.set(row);
    // a vendor's own counters know who answered, and not whom he met
    const tallied = metric.connected === null && metric.answered !== null;
    const figure = (key, value) => make("div", { class: "figure" }, make("dt", {}, t(key)), make("dd", {}, value));
    return make(
      "div",
      { class: "reading-block" },
      make("div", { class: "reading" }, make("span", { class: "rate" }, percent(row?.rate)), make("span", { class: "rate-label" }, `${t("answerRate")} · ${windowName(metric.window.name)}`)),
      make("div", { class: "interval-line" }, bar.bar, make("span", { class: "interval-text" }, intervalText(row))),
      make("dl", { class: "figures" }, figure("attempts", count(metric.attempts)), figure(tallied ? "answered" : "connected", count(tallied ? metric.answered : metric.connected)), figure("abandoned", percent(metric.abandon_rate?.value)), figure("averageTalk", length(metric.average_talk_seconds))),
    );
  }

  missedReading(metric) {
    return make("div", { class: "reading-block" }, make("div", { class: "reading" }, make("span", { class: "rate" }, count(metric?.missed)), make("span", { class: "rate-label" }, `${t("missed")} · ${windowName(metric?.window.name)}`)));
  }

  windows(metrics) {
    const day = (metric) => (metric.window.name.includes("@") ? dayOf(unix(metric.window.start)) : windowName(metric.window.name));
    const columns = [
      ["answerRate", "attempts", (metric) => percent(metric.answer_rate?.value)],
      ["interval", "attempts", ({ answer_rate: rate }) => (rate ? `${percent(rate.low)} – ${percent(rate.high)}` : NONE)],
      ["attempts", "attempts", (metric) => count(metric.attempts)],
      ["answered", "answered", (metric) => count(metric.answered)],
      ["connected", "connected", (metric) => count(metric.connected)],
      ["abandoned", "abandoned", (metric) => (metric.abandoned === null ? NONE : percent(metric.abandon_rate?.value))],
      ["missed", "missed", (metric) => count(metric.missed)],
      ["wait", "average_wait_seconds", (metric) => length(metric.average_wait_seconds)],
    ].filter(([, needed]) => metrics.some((metric) => metric[needed] !== null)); // what this scope does not count has no column
    const heads = ["window", ...columns.map(([key]) => key)];
    const rows = metrics.map((metric) => make("tr", {}, make("th", { scope: "row" }, day(metric)), columns.map(([, , text]) => make("td", {}, text(metric)))));
    return make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("windows") }, make("table", {}, make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col" }, t(head))))), make("tbody", {}, rows)));
  }

  inside(scope) {
    if (scope.value !== null) return null;
    const fits = (other) => other.vendor === scope.vendor && (scope.account === null || other.account === scope.account);
    const found = worstNumbers(INSIDE, fits);
    if (found.length === 0) return null;
    const link = ([each, row]) =>
      make("li", {}, make("a", { href: scopeAddress(each), "data-alert": store.firing.get(each.text)?.severity }, make("span", { class: "number" }, scopeTitle(each)), make("span", { class: "small" }, `${count(row.answered)} ${t("of", { n: count(row.attempts) })}`), make("strong", {}, percent(row.rate))));
    return this.section("inside", make("ul", { class: "inside" }, found.map(link)), make("button", { type: "button", class: "plain", on: { click: () => { this.dialog.close(); this.showInTable({ vendor: scope.vendor, kind: "display_number" }); } } }, t("showAll")));
  }

  calls(told, scope) {
    if (told.calls.length === 0) return [make("p", { class: "hint" }, t(scope.basis === "tallies" ? "noCalls" : "noCallsYet"))];
    const heads = ["time", "number", "outcome", "ring", "talk"];
    const row = (call) => {
      const number = call.direction === "outbound" ? call.callee : call.caller;
      const ended = call.ended_at ? t(`outcome_${call.outcome}`) : t("inProgress");
      return make(
        "tr",
        {},
        make("td", {}, clock(unix(call.ended_at ?? call.answered_at ?? call.started_at))),
        make("td", {}, make("span", { class: "number" }, number ?? NONE), make("span", { class: "under" }, t(`direction_${call.direction}`))),
        make("td", {}, make("span", { class: "outcome", "data-outcome": call.ended_at ? call.outcome : null }, ended)),
        make("td", {}, length(call.ring_seconds ?? call.wait_seconds)),
        make("td", {}, call.talk_seconds ? length(call.talk_seconds) : NONE),
      );
    };
    return [
      make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": t("lastCalls") }, make("table", { class: "calls" }, make("thead", {}, make("tr", {}, heads.map((head) => make("th", { scope: "col" }, t(head))))), make("tbody", {}, told.calls.map(row)))),
      told.masked ? make("p", { class: "hint" }, t("callsMasked")) : null,
    ];
  }

  alertLink(alert) {
    return make("li", {}, make("a", { class: "alert", href: alertAddress(alert.fingerprint), "data-state": alert.state, "data-severity": alert.severity }, icon(ICONS[alert.severity]), make("span", { class: "said" }, make("span", { class: "summary" }, summary(alert)))));
  }

  facts(alert, resolves) {
    const { evidence } = alert;
    const interval = evidence.low === undefined ? null : `${percent(evidence.low)} – ${percent(evidence.high)}`;
    const told = [
      ["measured", measure(alert.metric, evidence.value)],
      ["threshold", measure(alert.metric, evidence.threshold)],
      ["interval", interval],
      ["attempts", evidence.attempts === undefined ? null : `${count(evidence.successes)} ${t("of", { n: count(evidence.attempts) })}`],
      ["window", evidence.window],
      ["since", moment(unix(alert.starts_at))],
      ["until", alert.ends_at ? moment(unix(alert.ends_at)) : null],
    ];
    const shown = told.filter(([, value]) => value !== null).map(([key, value]) => make("div", {}, make("dt", {}, t(key)), make("dd", {}, value)));
    if (resolves) shown.push(make("div", { class: "wide" }, make("dd", {}, t("resolvesWhen", { text: resolves }))));
    return shown;
  }

  step(step, alert) {
    const key = `state_${step.state}`;
    return make("li", { "data-state": step.state }, make("time", {}, moment(unix(step.at))), make("strong", {}, isWord(key) ? t(key) : step.state), make("span", { class: "small" }, measure(alert.metric, step.value)));
  }
}

/** From transitions to the spans in which an alert was pending or firing. */
function spansOf({ alert, transitions }) {
  const spans = transitions.map((step, place) => ({
    kind: step.state,
    from: unix(step.at),
    to: place + 1 < transitions.length ? unix(transitions[place + 1].at) : now(),
  }));
  const open = spans.filter((span) => span.kind === "pending" || span.kind === "firing");
  if (open.length === 0) open.push({ kind: "firing", from: unix(alert.starts_at), to: alert.ends_at ? unix(alert.ends_at) : now() });
  return open;
}
