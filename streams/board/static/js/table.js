// The table of all scopes: rows are made for what is in view alone, so that 10,000 cost no more than 30.

import { ICONS, icon, make, mark, say } from "./dom.js";
import { NONE, age, basisName, count, kindName, percent, scopeTitle } from "./format.js";
import { t, vendorName } from "./i18n.js";
import { colourOf, spark } from "./spark.js";
import { withoutData } from "./sources.js";
import { freshness, history, reading, seconds, store } from "./store.js";
import { empty, intervalBar, intervalText, skeletons } from "./tiles.js";

const SPARE_ROWS = 4;
const SORT_EVERY_MS = 2000;

const abandonRate = (row) => (row.answered ? (row.abandoned ?? null) / row.answered : null);

/** What can be sorted by; each gives a number or null, and whether the largest comes first. */
const COLUMNS = [
  { key: "scope", by: null, down: false },
  { key: "trend" },
  { key: "answerRate", by: (row) => row.rate, down: false },
  { key: "interval", by: (row) => row.high, down: false },
  { key: "attempts", by: (row) => row.attempts, down: true },
  { key: "connected", by: (row) => row.connected, down: true },
  { key: "abandoned", by: abandonRate, down: true },
  { key: "missed", by: (row) => row.missed, down: true },
  { key: "age", by: (row) => row.as_of, down: true },
];

class Row {
  constructor(table) {
    const cell = (name, ...children) => make("div", { role: "gridcell", class: `cell ${name}` }, ...children);
    this.name = make("span", { class: "title" });
    this.under = make("span", { class: "under" });
    this.flag = make("span", { class: "flag" });
    this.canvas = make("canvas", { class: "spark", "aria-hidden": "true" });
    this.bar = intervalBar();
    this.cells = {};
    for (const key of ["answerRate", "attempts", "connected", "abandoned", "missed", "age"]) this.cells[key] = cell(key);
    this.interval = make("span", { class: "range" });
    this.element = make(
      "div",
      { role: "row", class: "row", on: { click: () => table.open(this.scope) } },
      cell("scope", this.flag, make("span", { class: "names" }, this.name, this.under)),
      cell("trend", this.canvas),
      this.cells.answerRate,
      cell("interval-cell", this.bar.bar, this.interval),
      this.cells.attempts,
      this.cells.connected,
      this.cells.abandoned,
      this.cells.missed,
      this.cells.age,
    );
  }

  show(scope, row, place, active) {
    const firing = store.firing.get(scope.text);
    const fresh = withoutData(scope) === null ? freshness(row) : "none";
    if (this.scope !== scope || this.severity !== firing?.severity) {
      this.severity = firing?.severity;
      this.flag.replaceChildren(...(firing ? [icon(ICONS[firing.severity]), make("span", { class: "hidden-text" }, t(`severity_${firing.severity}`))] : []));
    }
    this.scope = scope;
    this.element.id = `row-${scope.number}`;
    mark(this.element, "aria-rowindex", place + 2);
    mark(this.element, "aria-selected", active ? "true" : "false");
    mark(this.element, "data-alert", firing?.severity ?? null);
    mark(this.element, "data-fresh", fresh);
    say(this.name, scope.name ? `${scope.name}` : scopeTitle(scope));
    say(this.under, [scope.name ? scope.value : null, kindName(scope.kind), scope.kind === "vendor" ? null : vendorName(scope.vendor), ["vendor", "account"].includes(scope.kind) ? basisName(scope.basis) : null].filter(Boolean).join(" · "));
    say(this.cells.answerRate, percent(row.rate));
    this.bar.set(row);
    say(this.interval, intervalText(row));
    say(this.cells.attempts, count(row.attempts));
    say(this.cells.connected, count(row.connected));
    say(this.cells.abandoned, row.abandoned === null ? NONE : percent(abandonRate(row)));
    say(this.cells.missed, count(row.missed));
    say(this.cells.age, fresh === "none" ? t("noData") : fresh === "quiet" ? t("quiet") : age(seconds(row)));
    mark(this.cells.age, "data-fresh", fresh);
    for (const [key, cell] of Object.entries(this.cells)) mark(cell, "data-label", t(key));
    spark(this.canvas, history(scope), colourOf(firing), { fill: false, line: 1.4 });
  }
}

export class ScopeTable {
  constructor(element, found, open) {
    Object.assign(this, { element, found, open });
    this.filter = { search: "", vendor: "", kind: "", alerts: false };
    this.sort = { key: "attempts", down: true };
    this.order = [];
    this.sortedAt = 0;
    this.active = 0;
    this.rows = [];
    this.headers = COLUMNS.map((column) => this.header(column));
    this.body = make("div", { role: "rowgroup", class: "body" });
    this.view = make(
      "div",
      { role: "grid", class: "view", tabindex: "0", on: { scroll: () => this.draw(), keydown: (event) => this.key(event) } },
      make("div", { role: "rowgroup", class: "headers" }, make("div", { role: "row", class: "row header", "aria-rowindex": "1" }, this.headers)),
      this.body,
    );
    this.note = make("div", { class: "note" });
    element.append(this.view, this.note);
    new ResizeObserver(() => this.draw()).observe(this.view);
  }

  header(column) {
    if (!("by" in column)) return make("div", { role: "columnheader", class: `cell ${column.key}`, "data-key": column.key });
    const button = make("button", { type: "button", tabindex: "-1", on: { click: () => this.sortBy(column.key) } });
    return make("div", { role: "columnheader", class: `cell ${column.key === "interval" ? "interval-cell" : column.key}`, "data-key": column.key }, button);
  }

  /** Sort by a column; by the same again turns it round. */
  sortBy(key, down = null) {
    const column = COLUMNS.find((each) => each.key === key);
    this.sort = { key, down: down ?? (this.sort.key === key ? !this.sort.down : column.down) };
    this.reorder();
  }

  sortable() {
    return COLUMNS.filter((column) => "by" in column).map((column) => column.key);
  }

  narrow(filter) {
    Object.assign(this.filter, filter);
    this.view.scrollTop = 0;
    this.active = 0;
    this.reorder();
  }

  /** Rows have changed: keep the order for a moment, so that nothing jumps under the eye. */
  update({ now = false } = {}) {
    if (now || Date.now() - this.sortedAt > SORT_EVERY_MS) this.reorder();
    else this.draw();
  }

  reorder() {
    this.sortedAt = Date.now();
    const { search, vendor, kind, alerts } = this.filter;
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    const found = [];
    for (const row of store.rows.values()) {
      const scope = store.scopes.get(row.number);
      if (!scope || (vendor && scope.vendor !== vendor) || (kind && scope.kind !== kind)) continue;
      if (alerts && !store.firing.has(scope.text)) continue;
      if (words.some((word) => !scope.words.includes(word))) continue;
      found.push(scope);
    }
    this.order = this.sorted(found);
    this.draw();
  }

  sorted(scopes) {
    const { key, down } = this.sort;
    const { by } = COLUMNS.find((column) => column.key === key);
    const sign = down ? -1 : 1;
    if (by === null) return scopes.sort((one, other) => sign * (one.text < other.text ? -1 : 1));
    const values = new Map(scopes.map((scope) => [scope.number, by(store.rows.get(scope.number))]));
    return scopes.sort((one, other) => {
      const first = values.get(one.number);
      const second = values.get(other.number);
      if (first === second) return one.number - other.number;
      if (first === null || first === undefined) return 1;
      if (second === null || second === undefined) return -1;
      return sign * (first - second);
    });
  }

  draw() {
    const size = this.order.length;
    this.tellHeaders();
    this.tellNote(size);
    const height = parseFloat(getComputedStyle(this.view).getPropertyValue("--row-height")) * parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.body.style.height = `${size * height}px`;
    const first = Math.max(0, Math.floor(this.view.scrollTop / height) - SPARE_ROWS);
    const last = Math.min(size, Math.ceil((this.view.scrollTop + this.view.clientHeight) / height) + SPARE_ROWS);
    while (this.rows.length < last - first) {
      const row = new Row(this);
      this.rows.push(row);
      this.body.append(row.element);
    }
    while (this.rows.length > Math.max(0, last - first)) this.rows.pop().element.remove();
    for (let place = first; place < last; place += 1) {
      const row = this.rows[place - first];
      const scope = this.order[place];
      const told = store.rows.get(scope.number);
      if (!told) continue; // it has gone since the order was made
      row.element.style.transform = `translateY(${place * height}px)`;
      row.show(scope, told, place, place === this.active);
    }
    this.rowHeight = height;
    mark(this.view, "aria-activedescendant", size && this.active >= first && this.active < last ? `row-${this.order[this.active]?.number}` : null);
  }

  tellHeaders() {
    mark(this.view, "aria-label", t("scopes"));
    mark(this.view, "aria-rowcount", this.order.length + 1);
    mark(this.view, "aria-colcount", COLUMNS.length);
    for (const header of this.headers) {
      const { key } = header.dataset;
      say(header.querySelector("button") ?? header, t(key));
      mark(header, "aria-sort", this.sort.key === key ? (this.sort.down ? "descending" : "ascending") : null);
    }
  }

  tellNote(size) {
    const all = store.rows.size;
    say(this.found, store.loaded ? t("found", { n: count(size), all: count(all) }) : "");
    const state = all === 0 ? (reading() ? "loading" : "empty") : size === 0 ? "nothing" : "rows";
    const drawn = state + document.documentElement.lang;
    if (this.drawnNote === drawn) return;
    this.drawnNote = drawn;
    mark(this.element, "data-state", state);
    if (state === "loading") this.note.replaceChildren(make("p", { class: "hidden-text" }, t("loading")), ...skeletons(8, "line skeleton"));
    else if (state === "empty") this.note.replaceChildren(empty("emptyTitle", "emptyHint"));
    else if (state === "nothing") this.note.replaceChildren(empty("nothingFound"), make("button", { type: "button", class: "plain", on: { click: () => this.onclear?.() } }, t("clearFilters")));
    else this.note.replaceChildren();
  }

  key(event) {
    if (event.target !== this.view) return;
    const page = Math.max(1, Math.floor(this.view.clientHeight / this.rowHeight) - 2);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" || event.key === " ") {
      const scope = this.order[this.active];
      if (scope) this.open(scope);
    } else if (event.key in moves) {
      this.active = Math.min(this.order.length - 1, Math.max(0, this.active + moves[event.key]));
      const top = this.active * this.rowHeight;
      const shown = this.view.clientHeight - 2 * this.rowHeight;
      if (top < this.view.scrollTop) this.view.scrollTop = top;
      else if (top > this.view.scrollTop + shown) this.view.scrollTop = top - shown;
      this.draw();
    } else return;
    event.preventDefault();
  }
}
