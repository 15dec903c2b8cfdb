// The page: wiring, the bar at the top, what it says about the connection.

import { AlertsList } from "./alerts.js";
import { byId, mark, make, remember, remembered, say } from "./dom.js";
import { age, clock, kindName, windowName } from "./format.js";
import { language, onLanguage, switchLanguage, t, translatePage, vendorName } from "./i18n.js";
import { Panel, alertAddress, scopeAddress } from "./panel.js";
import { SourcesList } from "./sources.js";
import { forgetColours } from "./spark.js";
import { freshness, now, onChange, seconds, store, takers } from "./store.js";
import { follow } from "./stream.js";
import { ScopeTable } from "./table.js";
import { VendorTiles, WorstTiles, vendorRows } from "./tiles.js";

const openScope = (scope) => (location.hash = scopeAddress(scope));
const openAlert = (fingerprint) => (location.hash = alertAddress(fingerprint));

const vendors = new VendorTiles(byId("vendors"), openScope);
const worst = new WorstTiles(byId("worst"), openScope);
const alerts = new AlertsList(byId("alerts"), byId("alerts-count"), byId("announce"), openAlert);
const sources = new SourcesList(byId("sources"), byId("sources-summary"));
const table = new ScopeTable(byId("grid"), byId("found"), openScope);
const panel = new Panel(byId("panel"), (filter) => setFilters(filter));

// ---- drawing, at most once a frame

let due = null;
function draw(now = false) {
  if (due !== null) {
    due.now ||= now;
    return;
  }
  due = { now };
  requestAnimationFrame(() => {
    const urgent = due.now;
    due = null;
    vendors.update();
    worst.update();
    alerts.update();
    sources.update();
    table.update({ now: urgent });
    drawBar();
  });
}

onChange((what) => {
  if (what.turned) alerts.announce(what.turned);
  if (what.all || what.scopes) drawFilters();
  draw(Boolean(what.all));
});
onLanguage(() => {
  drawFilters();
  drawTools();
  panel.redraw();
  draw(true);
});

// ---- the connection

const connection = { state: "loading", lostAt: null, again: 0 };
let chosen = remembered("window");
let unfollow = () => {};

function connect() {
  unfollow();
  unfollow = follow(
    chosen,
    (kind, data, number) => {
      takers[kind]?.(data, number);
      // the window chosen may not exist, or none did when we came
      if (kind === "change" && !store.windows.includes(store.window) && store.windows.length) connect();
    },
    (state, again = 0) => {
      if (state === "offline" && connection.state === "live") connection.lostAt = now();
      if (state === "live") connection.lostAt = null;
      store.lostAt = connection.lostAt;
      if (state === connection.state && state === "live") return;
      connection.state = state;
      connection.again = again;
      drawBar();
    },
  );
}

function chooseWindow(name) {
  chosen = name;
  remember("window", name);
  connect();
}

// ---- the bar

function situation() {
  if (connection.lostAt !== null) return "offline";
  if (!store.loaded) return "connecting";
  if (!store.ready) return "reading";
  const rows = [...vendorRows().values()].map(({ row }) => row).filter(Boolean);
  if (rows.length && rows.every((row) => ["stale", "late"].includes(freshness(row))) && rows.some((row) => freshness(row) === "stale")) return "stale";
  return "live";
}

function bannerText(state) {
  if (state === "reading") return t("bannerReading");
  if (state === "offline") {
    const at = clock(connection.lostAt);
    return connection.state === "offline" ? t("bannerOffline", { time: at, n: connection.again }) : t("bannerRetrying", { time: at });
  }
  if (state === "stale") {
    const newest = [...vendorRows().values()].map(({ row }) => row).filter(Boolean).sort((one, other) => other.as_of - one.as_of)[0];
    return t("bannerStale", { age: age(seconds(newest)), time: clock(newest.as_of) });
  }
  return "";
}

function drawBar() {
  const state = situation();
  mark(document.body, "data-situation", state);
  mark(byId("status"), "data-state", state);
  say(byId("status-text"), t(state));
  const text = bannerText(state);
  byId("banner").hidden = text === "";
  mark(byId("banner"), "data-state", state);
  say(byId("banner"), text);
  drawWindows();
}

function drawWindows() {
  const group = byId("windows");
  group.hidden = store.windows.length === 0;
  const drawn = `${language()} ${store.windows} ${store.window}`;
  if (group.dataset.drawn === drawn) return;
  const held = group.contains(document.activeElement);
  group.dataset.drawn = drawn;
  group.replaceChildren(
    ...store.windows.map((name) => make("button", { type: "button", "aria-pressed": String(name === store.window), on: { click: () => chooseWindow(name) } }, windowName(name))),
  );
  if (held) group.querySelector("[aria-pressed=true]")?.focus();
}

function drawTools() {
  const theme = document.documentElement.dataset.theme;
  say(byId("theme-text"), t(theme === "light" ? "themeLight" : theme === "dark" ? "themeDark" : "themeAuto"));
  mark(byId("theme"), "title", byId("theme-text").textContent);
  const other = language() === "zh-CN" ? "English" : "中文";
  say(byId("language"), other);
  mark(byId("language"), "lang", language() === "zh-CN" ? "en" : "zh-CN");
  const wall = document.documentElement.dataset.wall === "yes";
  mark(byId("wall"), "aria-pressed", String(wall));
  mark(byId("wall"), "title", t("wallView"));
}

byId("language").addEventListener("click", switchLanguage);
byId("theme").addEventListener("click", () => {
  const root = document.documentElement;
  const next = { undefined: "light", light: "dark", dark: undefined }[root.dataset.theme];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  remember("theme", next ?? null);
  recolour();
});
byId("wall").addEventListener("click", () => {
  const root = document.documentElement;
  const wall = root.dataset.wall !== "yes";
  if (wall) root.dataset.wall = "yes";
  else delete root.dataset.wall;
  remember("wall", wall ? "yes" : null);
  drawTools();
  draw(true);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);

function recolour() {
  forgetColours();
  drawTools();
  panel.redraw();
  draw(true);
}

// ---- filters

const options = (select, first, values, named) => {
  const held = select.value;
  select.replaceChildren(make("option", { value: "" }, first), ...values.map((value) => make("option", { value }, named(value))));
  select.value = values.includes(held) ? held : "";
};

function drawFilters() {
  const scopes = [...store.scopes.values()];
  options(byId("filter-vendor"), t("allVendors"), [...new Set(scopes.map((scope) => scope.vendor))].sort(), vendorName);
  options(byId("filter-kind"), t("allKinds"), ["vendor", "account", "display_number", "campaign", "queue", "region", "carrier", "group"].filter((kind) => scopes.some((scope) => scope.kind === kind)), kindName);
  const sort = byId("sort");
  sort.replaceChildren(...table.sortable().map((key) => make("option", { value: key }, `${t("sortBy")}: ${t(key)}`)));
  sort.value = table.sort.key;
}

function setFilters({ vendor = "", kind = "", search = "", alerts: only = false }) {
  byId("filter-vendor").value = vendor;
  byId("filter-kind").value = kind;
  byId("search").value = search;
  byId("filter-alerts").checked = only;
  table.narrow({ vendor, kind, search, alerts: only });
  byId("scopes").scrollIntoView({ block: "nearest" });
}

table.onclear = () => setFilters({});
byId("search").addEventListener("input", (event) => table.narrow({ search: event.target.value }));
byId("filter-vendor").addEventListener("change", (event) => table.narrow({ vendor: event.target.value }));
byId("filter-kind").addEventListener("change", (event) => table.narrow({ kind: event.target.value }));
byId("filter-alerts").addEventListener("change", (event) => table.narrow({ alerts: event.target.checked }));
byId("sort").addEventListener("change", (event) => table.sortBy(event.target.value));

// ---- begin

function tick() {
  say(byId("clock"), clock(now()));
  if (connection.state === "offline" && connection.again > 0) connection.again -= 1;
  draw();
}

translatePage();
drawTools();
drawFilters();
draw();
connect();
setInterval(tick, 1000);
addEventListener("hashchange", () => panel.route());
panel.route();
