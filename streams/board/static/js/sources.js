// The vendors' sources: whether they are heard of, and whose counts have nothing to stand on.

import { ICONS, icon, make, mark, say } from "./dom.js";
import { age, clock, count } from "./format.js";
import { isWord, t, vendorName } from "./i18n.js";
import { now, reading, store } from "./store.js";

const time = () => store.lostAt ?? now();
const WORST_FIRST = ["silent", "stopped", "degraded"];
const SIGNS = { ok: ICONS.good, starting: ICONS.pending, degraded: ICONS.warning, stopped: ICONS.stopped, silent: ICONS.silent };

/** How a source is: ok, degraded, stopped, or silent where no process has told of it for long. */
export function health(source) {
  if (time() - source.at > store.silentSeconds) return "silent";
  return ["degraded", "stopped"].includes(source.state) ? source.state : "ok";
}

/** Whether a source that is well has been polled by the process that has it now. */
const settled = (source) => source.last_success !== null;

/** Whether nothing comes from a source: one that fails is given a while to come back. */
function blind(source) {
  const how = health(source);
  if (how === "degraded") return source.last_success === null || time() - source.last_success > store.staleSeconds;
  return how !== "ok";
}

/**
 * Since when (Unix s) nothing feeds a scope's counts; null while something does, or nobody knows.
 * What is pushed counts as well: a source that reads behind the pushes may be down meanwhile.
 */
export function withoutData({ vendor, account, basis }) {
  const feeding = store.sources.filter((source) => source.vendor === vendor && source.counts.includes(basis) && (account === null || source.account === account));
  if (feeding.length === 0 || !feeding.every(blind)) return null;
  const whole = store.byText.get(`${basis}:${account === null ? vendor : `${vendor}/${account}`}`);
  const last = store.rows.get(whole?.number)?.last_event ?? 0;
  if (time() - last <= store.silentSeconds) return null;
  return Math.max(last, ...feeding.map((source) => source.last_success ?? 0)) || Math.min(...feeding.map((source) => source.at));
}

/** What is wrong with a vendor's sources: {health, number} of the worst kind, or null. */
export function troubles(vendor) {
  const all = store.sources.filter((source) => source.vendor === vendor).map(health);
  const worst = WORST_FIRST.find((each) => all.includes(each));
  return worst ? { health: worst, number: all.filter((each) => each === worst).length } : null;
}

export const troubleText = ({ health: how, number }) => t(number === 1 ? `source_${how}` : `sources_${how}`, { n: number });
export const troubleIcon = ({ health: how }) => icon(SIGNS[how]);

const ago = (moment) => age(Math.max(0, time() - moment));

function told(source, how) {
  const said = [];
  if (how === "silent") said.push(t("silentFor", { age: ago(source.at) }));
  if (source.last_success) said.push(t("lastSuccess", { age: ago(source.last_success) }));
  else said.push(t("noSuccess"));
  said.push(t("records", { n: count(source.records) }));
  if (source.found) said.push(t("foundBySearch", { n: count(source.found) }));
  return said.join(" · ");
}

/** The reason in the page's language where its kind is known; else as it was told. */
function reasonText({ reason, reason_code: code }) {
  return reason && code && isWord(`reason_${code}`) ? t(`reason_${code}`, { reason }) : reason;
}

class Line {
  constructor() {
    this.sign = make("span", { class: "sign" });
    this.title = make("span", { class: "title" });
    this.word = make("span", { class: "word" });
    this.reason = make("span", { class: "reason" });
    this.detail = make("span", { class: "under", lang: "en" });
    this.under = make("span", { class: "under" });
    this.element = make("li", { class: "source" }, this.sign, make("span", { class: "names" }, make("span", { class: "line" }, this.title, this.word), this.reason, this.detail, this.under));
  }

  show(source) {
    const how = health(source);
    const shown = how === "ok" && !settled(source) ? "starting" : how;
    if (this.shown !== shown) this.sign.replaceChildren(icon(SIGNS[shown]));
    this.shown = shown;
    mark(this.element, "data-health", shown);
    const feed = source.feed === null ? t("wholeAccount") : isWord(`feed_${source.feed}`) ? t(`feed_${source.feed}`) : source.feed;
    say(this.title, `${feed} · ${source.account}`);
    say(this.word, t(`health_${shown}`));
    const reason = reasonText(source);
    say(this.reason, how === "ok" ? "" : reason);
    const detailed = how !== "ok" && reason !== source.reason;
    say(this.detail, detailed ? source.reason : "");
    mark(this.detail, "hidden", detailed ? null : "");
    mark(this.reason, "hidden", how === "ok" || !source.reason ? "" : null);
    say(this.under, told(source, how));
    mark(this.under, "title", source.last_success ? clock(source.last_success) : null);
  }
}

export class SourcesList {
  constructor(element, summary) {
    Object.assign(this, { element, summary });
    this.lines = new Map();
    this.drawn = "";
  }

  update() {
    if (reading() && store.sources.length === 0) {
      this.drawn = "";
      this.element.replaceChildren(...Array.from({ length: 3 }, () => make("div", { class: "line skeleton", "aria-hidden": "true" })));
      return;
    }
    const bad = store.sources.filter((source) => health(source) !== "ok").length;
    const starting = store.sources.filter((source) => !settled(source)).length;
    say(this.summary, store.sources.length === 0 ? "" : bad ? t("sourcesBad", { n: bad, all: store.sources.length }) : starting ? t("sourcesStarting", { n: starting, all: store.sources.length }) : t("sourcesGood", { n: store.sources.length }));
    mark(this.summary, "data-bad", bad ? "" : null);
    // what needs somebody stands first
    const loudness = (source) => (WORST_FIRST.indexOf(health(source)) + 1 || 9);
    const vendors = new Map(store.sources.map((source) => [source.vendor, 9]));
    for (const source of store.sources) vendors.set(source.vendor, Math.min(vendors.get(source.vendor), loudness(source)));
    const sorted = [...store.sources].sort((one, other) => vendors.get(one.vendor) - vendors.get(other.vendor) || (one.vendor === other.vendor ? loudness(one) - loudness(other) : one.vendor < other.vendor ? -1 : 1));
    const drawn = `${document.documentElement.lang} ${sorted.map((source) => source.name)}`;
    if (drawn !== this.drawn) this.build(sorted, drawn);
    for (const source of store.sources) this.lines.get(source.name).show(source);
  }

  build(sorted, drawn) {
    this.drawn = drawn;
    this.lines = new Map(sorted.map((source) => [source.name, new Line()]));
    const vendors = [...new Set(sorted.map((source) => source.vendor))];
    const lines = (vendor) => sorted.filter((source) => source.vendor === vendor).map((source) => this.lines.get(source.name).element);
    this.element.replaceChildren(
      ...(vendors.length ? vendors.flatMap((vendor) => [make("h3", {}, vendorName(vendor)), make("ul", {}, lines(vendor))]) : [make("p", { class: "hint" }, t("sourcesNone"))]),
    );
  }
}
