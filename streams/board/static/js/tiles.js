// The large tiles: one for each vendor, and the worst display numbers.

import { ICONS, icon, make, mark, say } from "./dom.js";
import { NONE, age, basisName, clock, count, percent, scopeTitle } from "./format.js";
import { t, vendorName } from "./i18n.js";
import { colourOf, spark } from "./spark.js";
import { troubleIcon, troubleText, troubles, withoutData } from "./sources.js";
import { freshness, history, now, reading, seconds, store } from "./store.js";

const LEAST_ATTEMPTS = 20;
const WORST = 12;

/** The interval as a bar from 0 to 100 %, with the rate as a mark. */
export function intervalBar() {
  const band = make("span", { class: "band" });
  const point = make("span", { class: "point" });
  const bar = make("span", { class: "interval", "aria-hidden": "true" }, band, point);
  return {
    bar,
    set(row) {
      const known = row && row.rate !== null && row.rate !== undefined;
      mark(bar, "data-empty", !known);
      if (!known) return;
      band.style.insetInlineStart = `${100 * row.low}%`;
      band.style.inlineSize = `${Math.max(0.5, 100 * (row.high - row.low))}%`;
      point.style.insetInlineStart = `${100 * row.rate}%`;
    },
  };
}

export const intervalText = (row) =>
  row && row.rate !== null && row.rate !== undefined ? `${percent(row.low)} – ${percent(row.high)}` : NONE;

function figure(key) {
  const value = make("dd");
  const label = make("dt");
  return { key, value, label, element: make("div", { class: "figure" }, label, value) };
}

class VendorTile {
  constructor(vendor, open) {
    this.vendor = vendor;
    this.name = make("span", { class: "vendor-name" });
    this.basis = make("span", { class: "tag" });
    this.alerts = make("span", { class: "badge" });
    this.sources = make("span", { class: "badge sources-badge" });
    this.age = make("span", { class: "age" });
    this.rate = make("span", { class: "rate" });
    this.label = make("span", { class: "rate-label" });
    this.bar = intervalBar();
    this.interval = make("span", { class: "interval-text" });
    this.canvas = make("canvas", { class: "spark", "aria-hidden": "true" });
    this.figures = ["attempts", "connected", "abandoned", "missed"].map(figure);
    this.element = make(
      "article",
      { class: "tile vendor", "data-vendor": vendor },
      make(
        "header",
        {},
        make("h3", {}, make("button", { type: "button", class: "open", on: { click: () => this.row && open(this.scope) } }, this.name)),
        this.basis,
        this.alerts,
        this.sources,
        this.age,
      ),
      make("div", { class: "big" }, make("div", { class: "reading" }, this.rate, this.label), this.canvas),
      make("div", { class: "interval-line" }, this.bar.bar, this.interval),
      make("dl", { class: "figures" }, this.figures.map((each) => each.element)),
    );
  }

  update({ scope, row, missed }) {
    this.scope = scope;
    this.row = row;
    const gone = withoutData(scope);
    this.sayHead(scope, row, gone);
    mark(this.rate, "data-none", gone === null ? null : "");
    say(this.rate, gone === null ? percent(row?.rate) : t("noData"));
    say(this.label, gone !== null ? t("noDataSince", { time: clock(gone) }) : row === null ? t("emptyTitle") : t("answerRate"));
    const shown = gone === null ? row : null;
    this.bar.set(shown);
    say(this.interval, intervalText(shown));
    mark(this.interval, "aria-label", shown && shown.rate !== null ? t("intervalWords", { low: percent(shown.low), high: percent(shown.high) }) : null);
    const missedGone = withoutData({ ...scope, basis: "calls" }) !== null;
    const values = {
      attempts: count(shown?.attempts),
      connected: count(shown?.connected),
      abandoned: shown?.abandoned === null || shown?.abandoned === undefined ? NONE : percent(shown.answered ? shown.abandoned / shown.answered : null),
      missed: missedGone ? NONE : count(missed),
    };
    for (const each of this.figures) {
      // a vendor's own counters know who answered, and not whom he met
      const instead = each.key === "connected" && row && row.connected === null && row.answered !== null;
      say(each.label, t(instead ? "answered" : each.key));
      say(each.value, instead ? count(shown?.answered) : values[each.key]);
    }
    spark(this.canvas, history(scope), colourOf(store.firing.get(scope.text)), { line: 2.2 });
  }

  sayHead(scope, row, gone) {
    const fresh = gone === null ? freshness(row) : "none";
    const alerts = [...store.alerts.values()].filter((alert) => alert.state === "firing" && alert.labels.vendor === this.vendor);
    const trouble = troubles(this.vendor);
    mark(this.element, "data-fresh", fresh);
    mark(this.element, "data-alert", alerts.some((alert) => alert.severity === "critical") ? "critical" : alerts.length ? "warning" : null);
    mark(this.element, "data-trouble", trouble?.health);
    say(this.name, vendorName(this.vendor));
    say(this.basis, basisName(scope.basis));
    mark(this.basis, "hidden", trouble ? "" : null);
    this.alerts.replaceChildren(...(alerts.length ? [icon(ICONS.warning), alerts.length === 1 ? t("alertHere") : t("alertsHere", { n: alerts.length })] : []));
    mark(this.alerts, "hidden", alerts.length ? null : "");
    this.sources.replaceChildren(...(trouble ? [troubleIcon(trouble), troubleText(trouble)] : []));
    mark(this.sources, "hidden", trouble ? null : "");
    const old = age(seconds(row));
    say(this.age, fresh === "none" ? age(now() - gone) : fresh === "stale" ? `${t("stale")} · ${old}` : fresh === "quiet" ? (row ? t("quiet") : "") : old);
    mark(this.age, "hidden", this.age.textContent ? null : "");
    mark(this.age, "data-fresh", fresh);
    mark(this.age, "title", t("age"));
  }
}

/** A vendor's rows: counts of single calls and of its own counters are never added; the fuller one leads. */
export function vendorRows() {
  const found = new Map();
  for (const scope of store.scopes.values()) {
    if (scope.kind !== "vendor") continue;
    const row = store.rows.get(scope.number) ?? null;
    const known = found.get(scope.vendor);
    const leads = !known || (row?.attempts ?? -1) > (known.row?.attempts ?? -1);
    const missed = row?.missed ?? known?.missed ?? null;
    found.set(scope.vendor, leads ? { scope, row, missed } : { ...known, missed });
  }
  // a vendor whose sources are known and that was never counted has its place too
  for (const { vendor, counts } of store.sources) {
    const basis = counts[0] ?? "calls";
    if (!found.has(vendor)) found.set(vendor, { scope: { vendor, account: null, kind: "vendor", basis, text: `${basis}:${vendor}` }, row: null, missed: null });
  }
  return new Map([...found].sort(([one], [other]) => (one < other ? -1 : 1)));
}

export class VendorTiles {
  constructor(element, open) {
    this.element = element;
    this.open = open;
    this.tiles = new Map();
  }

  update() {
    const rows = vendorRows();
    if (rows.size === 0) {
      this.tiles.clear();
      this.element.replaceChildren(...(reading() ? skeletons(3, "tile vendor skeleton") : [empty("emptyTitle", "emptyHint")]));
      return;
    }
    if (rows.size !== this.tiles.size || [...rows.keys()].some((vendor) => !this.tiles.has(vendor))) {
      this.tiles = new Map([...rows.keys()].map((vendor) => [vendor, this.tiles.get(vendor) ?? new VendorTile(vendor, this.open)]));
      this.element.replaceChildren(...[...this.tiles.values()].map((tile) => tile.element));
    }
    for (const [vendor, told] of rows) this.tiles.get(vendor).update(told);
  }
}

/** The display numbers that are surely bad: the lowest upper end of the interval. */
export function worstNumbers(most = WORST, keep = () => true) {
  const found = [];
  for (const row of store.rows.values()) {
    const scope = store.scopes.get(row.number);
    if (scope?.kind === "display_number" && row.attempts >= LEAST_ATTEMPTS && row.high !== null && keep(scope)) found.push([scope, row]);
  }
  return found.sort(([, one], [, other]) => one.high - other.high).slice(0, most);
}

class WorstTile {
  constructor(open) {
    this.name = make("span", { class: "number" });
    this.vendor = make("span", { class: "tag" });
    this.rate = make("span", { class: "rate" });
    this.bar = intervalBar();
    this.attempts = make("span", { class: "small" });
    this.canvas = make("canvas", { class: "spark", "aria-hidden": "true" });
    this.element = make(
      "button",
      { type: "button", class: "tile worst-tile", on: { click: () => open(this.scope) } },
      this.name,
      make("span", { class: "middle" }, this.rate, this.canvas),
      this.bar.bar,
      make("span", { class: "top" }, this.attempts, this.vendor),
    );
  }

  update([scope, row]) {
    this.scope = scope;
    const firing = store.firing.get(scope.text);
    say(this.name, scopeTitle(scope));
    const gone = withoutData(scope) !== null;
    mark(this.element, "data-fresh", gone ? "none" : freshness(row));
    say(this.vendor, gone ? `${t("noData")} · ${vendorName(scope.vendor)}` : vendorName(scope.vendor));
    say(this.rate, percent(row.rate));
    say(this.attempts, `${count(row.answered)} ${t("of", { n: count(row.attempts) })}`);
    this.bar.set(row);
    mark(this.element, "data-alert", firing?.severity ?? null);
    spark(this.canvas, history(scope), colourOf(firing));
  }
}

export class WorstTiles {
  constructor(element, open) {
    this.element = element;
    this.open = open;
    this.tiles = [];
  }

  update() {
    const worst = worstNumbers();
    if (worst.length === 0) {
      this.tiles = [];
      if (reading()) {
        this.element.replaceChildren(...skeletons(6, "tile worst-tile skeleton"));
        return;
      }
      this.element.replaceChildren(make("p", { class: "hint" }, t("worstNone")));
      return;
    }
    if (worst.length !== this.tiles.length) {
      this.tiles = worst.map((_, place) => this.tiles[place] ?? new WorstTile(this.open));
      this.element.replaceChildren(...this.tiles.map((tile) => tile.element));
    }
    worst.forEach((told, place) => this.tiles[place].update(told));
  }
}

export const empty = (title, hint) =>
  make("div", { class: "empty" }, icon(ICONS.pending), make("p", { class: "title" }, t(title)), hint ? make("p", { class: "hint" }, t(hint)) : null);

export const skeletons = (number, kind) => Array.from({ length: number }, () => make("div", { class: kind, "aria-hidden": "true" }));
