// What the page knows: scopes, their rows over the window chosen, alerts, short histories.

import { get } from "./access.js";
import { parseScope } from "./format.js";

const HISTORIES_AT_ONCE = 40;
const HISTORIES_KEPT = 600;
const POINTS = 60;
const RANK = { critical: 3, warning: 2, info: 1 };

export const store = {
  epoch: null,
  ready: false,
  loaded: false,
  window: null,
  windows: [],
  staleSeconds: 180,
  silentSeconds: 60,
  writable: false, // silences can be written
  sources: [], // as told: name, vendor, account, feed, state, reason, counts, last_success, records, found, at
  silences: [], // those that have not ended: id, matchers, starts, ends, by, comment, alerts
  lostAt: null, // when the connection was lost: what is told by then is judged by that time
  scopes: new Map(), // number -> {number, text, basis, vendor, account, kind, value, name, words}
  byText: new Map(), // text -> scope
  rows: new Map(), // number -> row: what `fields` name
  alerts: new Map(), // fingerprint -> alert
  firing: new Map(), // scope text -> the loudest firing alert
  skew: 0, // the server's clock less ours (s)
  number: 0,
};

const listeners = new Set();
export const onChange = (listener) => listeners.add(listener);
const changed = (what) => {
  for (const listener of listeners) listener(what);
};

/** The time by the server's clock, Unix s. */
export const now = () => Date.now() / 1000 + store.skew;

let fields = [];

function takeScope([number, text, name]) {
  const scope = { number, ...parseScope(text), name };
  scope.words = `${text} ${name ?? ""}`.toLowerCase();
  store.scopes.set(number, scope);
  store.byText.set(text, scope);
}

function takeRow(values) {
  if (values.length === 1) {
    store.rows.delete(values[0]);
    return;
  }
  const row = {};
  for (let place = 0; place < fields.length; place += 1) row[fields[place]] = values[place];
  store.rows.set(row.number, row);
  grow(row);
}

function takeAlerts(alerts, gone = []) {
  const turned = [];
  for (const alert of alerts) {
    const before = store.alerts.get(alert.fingerprint);
    if (before?.state !== alert.state) turned.push({ before, alert });
    store.alerts.set(alert.fingerprint, alert);
  }
  for (const fingerprint of gone) store.alerts.delete(fingerprint);
  store.firing.clear();
  for (const alert of store.alerts.values()) {
    if (alert.state !== "firing") continue;
    const loudest = store.firing.get(alert.scope);
    if (!loudest || RANK[alert.severity] > RANK[loudest.severity]) store.firing.set(alert.scope, alert);
  }
  return turned;
}

export const takers = {
  snapshot(data, number) {
    if (store.epoch !== data.epoch || store.window !== data.window) histories.clear();
    fields = data.fields;
    Object.assign(store, {
      epoch: data.epoch,
      ready: data.ready,
      loaded: true,
      window: data.window,
      windows: data.windows,
      staleSeconds: data.stale_seconds,
      silentSeconds: data.silent_seconds,
      writable: data.writable,
      sources: data.sources,
      silences: data.silences,
      skew: data.now - Date.now() / 1000,
      number,
    });
    for (const known of [store.scopes, store.byText, store.rows]) known.clear();
    const before = new Map(store.alerts);
    store.alerts.clear();
    data.scopes.forEach(takeScope);
    data.rows.forEach(takeRow);
    takeAlerts(data.alerts);
    changed({ all: true, before });
  },
  change(data, number) {
    if (number <= store.number) return; // the snapshot has it already
    store.number = number;
    store.ready = data.ready;
    store.windows = data.windows;
    store.skew = data.now - Date.now() / 1000;
    if (data.sources) store.sources = data.sources;
    if (data.silences) store.silences = data.silences;
    data.scopes?.forEach(takeScope);
    data.rows?.forEach(takeRow);
    for (const gone of data.removed ?? []) {
      store.byText.delete(store.scopes.get(gone)?.text);
      store.scopes.delete(gone);
      store.rows.delete(gone);
    }
    const turned = data.alerts || data.alerts_gone ? takeAlerts(data.alerts ?? [], data.alerts_gone) : null;
    changed({ turned, scopes: Boolean(data.scopes || data.removed) });
  },
  beat(data) {
    store.skew = data.now - Date.now() / 1000;
  },
};

/** How a row stands in time: live, late (no news for a while), stale (news is overdue), quiet. */
export function freshness(row) {
  if (!row || row.as_of === null) return "quiet";
  if (row.due === null) return "quiet";
  if (now() > row.due + store.staleSeconds) return "stale";
  return now() - row.as_of > store.staleSeconds ? "late" : "live";
}

/** Whether nothing can be said to be missing: the topics were not read to their ends yet. */
export const reading = () => !store.loaded || !store.ready;

export const seconds = (row) => (row?.as_of ? Math.max(0, now() - row.as_of) : null);

// ---- histories: asked for by who draws them, and grown by the rows that come

const histories = new Map(); // scope text -> {points: [[end, value]], window, step}
const wanted = new Set();
let asking = false;

/** The points of a scope's sparkline, or null while they are on their way. */
export function history(scope) {
  const known = histories.get(scope.text);
  if (known) return known.points;
  wanted.add(scope.text);
  if (!asking) {
    asking = true;
    setTimeout(ask, 60);
  }
  return null;
}

async function ask() {
  const scopes = [...wanted].slice(0, HISTORIES_AT_ONCE);
  for (const scope of scopes) wanted.delete(scope);
  const { window } = store;
  try {
    const answer = await get("history", { scope: scopes, window });
    if (store.window !== window) return;
    if (histories.size > HISTORIES_KEPT) histories.clear();
    for (const scope of scopes) {
      const points = (answer.items[scope] ?? []).map((point) => [Date.parse(point.end) / 1000, point.value ?? point.missed]);
      histories.set(scope, { points: points.slice(-POINTS), window: answer.window, step: answer.step_seconds });
    }
    changed({ histories: true });
  } catch {
    // the stream says that we are disconnected; whoever draws asks again
  } finally {
    asking = false;
    if (wanted.size) {
      asking = true;
      setTimeout(ask, 60);
    }
  }
}

function grow(row) {
  const known = histories.get(store.scopes.get(row.number)?.text);
  if (!known || known.window !== store.window || row.as_of === null) return;
  const { points, step } = known;
  const point = [row.as_of, row.rate ?? row.missed];
  const newest = points[points.length - 1];
  if (newest && Math.floor((newest[0] - 1) / step) === Math.floor((row.as_of - 1) / step)) points[points.length - 1] = point;
  else if (!newest || row.as_of > newest[0]) points.push(point);
  if (points.length > POINTS) points.shift();
}
