// Numbers, moments and names, in the language chosen.

import { language, t, vendorName } from "./i18n.js";

export const NONE = "–";

/** 0.43217 is 43.2%; nothing known is a dash. */
export const percent = (rate) => (rate === null || rate === undefined ? NONE : `${(100 * rate).toFixed(1)}%`);

const groupers = new Map();

export function count(number) {
  if (number === null || number === undefined) return NONE;
  let grouper = groupers.get(language());
  if (!grouper) groupers.set(language(), (grouper = new Intl.NumberFormat(language())));
  return grouper.format(number);
}

const UNITS = [
  [86400, "d", " 天"],
  [3600, "h", " 小时"],
  [60, "min", " 分钟"],
  [1, "s", " 秒"],
];

/** Seconds as one word: 12 s, 4 min, 3 h. */
export function age(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  const whole = Math.max(0, Math.round(seconds));
  const [size, english, chinese] = UNITS.find(([each]) => whole >= each) ?? UNITS[3];
  const amount = Math.floor(whole / size);
  return language() === "zh-CN" ? `${amount}${chinese}` : `${amount} ${english}`;
}

/** Seconds as a call's length: 1:04. */
export function length(seconds) {
  if (seconds === null || seconds === undefined) return NONE;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

const date = (unix) => new Date(unix * 1000);
const timeWith = (options) => (unix) => date(unix).toLocaleTimeString(language(), { hour12: false, ...options });
export const clock = timeWith({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
export const minute = timeWith({ hour: "2-digit", minute: "2-digit" });
export const moment = (unix) =>
  date(unix).toLocaleString(language(), { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", hour12: false });
export const dayOf = (unix) => date(unix).toLocaleDateString(language(), { month: "short", day: "numeric", weekday: "short" });
export const unix = (text) => Date.parse(text) / 1000;

export const windowName = (name) => (name === "day" ? t("today") : name);

/** A scope's text form into its parts: basis:vendor/account/kind/value. */
export function parseScope(text) {
  const colon = text.indexOf(":");
  const path = text.slice(colon + 1);
  const [vendor, account = null, kind = null] = path.split("/", 3);
  const value = kind === null ? null : path.slice(vendor.length + account.length + kind.length + 3);
  return { text, basis: text.slice(0, colon), vendor, account, kind: kind ?? (account === null ? "vendor" : "account"), value };
}

/** What a scope is called. */
export function scopeTitle(scope) {
  if (scope.kind === "vendor") return vendorName(scope.vendor);
  if (scope.kind === "account") return `${vendorName(scope.vendor)} · ${scope.account}`;
  return scope.value;
}

export const kindName = (kind) => t(`kind_${kind}`);
export const basisName = (basis) => t(basis === "tallies" ? "basisTallies" : "basisCalls");

/** A measure of an alert, in its metric's unit. */
export function measure(metric, value) {
  if (value === null || value === undefined) return NONE;
  if (metric.endsWith("_rate")) return percent(value);
  return count(Math.round(10 * value) / 10);
}
