// The page's words in both languages.

import { remember } from "./dom.js";

const WORDS = {
  skip: ["Skip to the table", "跳到列表"],
  wallboard: ["Wallboard", "大屏"],
  window: ["Window", "统计窗口"],
  today: ["Today", "今天"],
  wallView: ["Wall view", "大屏模式"],
  deskView: ["Desk view", "桌面模式"],
  themeAuto: ["System theme", "跟随系统"],
  themeLight: ["Light theme", "浅色"],
  themeDark: ["Dark theme", "深色"],
  vendors: ["Vendors", "供应商"],
  worst: ["Worst display numbers", "接通率最低的外显号码"],
  worstHint: ["by the upper end of the 95 % interval, 20 attempts or more", "按 95% 区间上限排序，至少 20 次外呼"],
  worstNone: ["No display number has 20 attempts in this window yet.", "当前窗口内还没有外显号码达到 20 次外呼。"],
  alertsNow: ["Alerts firing now", "当前告警"],
  alertsNone: ["No alert is firing", "当前没有告警"],
  alertsNoneBlind: ["What the sources in trouble would tell is not known.", "异常数据源的情况未知。"],
  alertsNoneHint: ["Rules are watching every scope.", "规则正在监视所有统计对象。"],
  pending: ["Pending", "观察中"],
  resolvedLately: ["Resolved lately", "最近恢复"],
  scopes: ["All scopes", "全部统计对象"],
  found: ["{n} of {all}", "{n} / {all}"],
  search: ["Search numbers, campaigns, queues", "搜索号码、任务、队列"],
  vendor: ["Vendor", "供应商"],
  kind: ["Kind", "类型"],
  allVendors: ["All vendors", "全部供应商"],
  allKinds: ["All kinds", "全部类型"],
  sortBy: ["Sort by", "排序"],
  onlyAlerts: ["With alerts", "仅看告警"],
  scope: ["Scope", "统计对象"],
  trend: ["Trend", "趋势"],
  answerRate: ["Answer rate", "接通率"],
  interval: ["95 % interval", "95% 区间"],
  attempts: ["Attempts", "外呼"],
  answered: ["Answered", "接听"],
  connected: ["Connected", "通话"],
  abandoned: ["Abandoned", "呼损"],
  missed: ["Missed", "未接"],
  age: ["Data age", "数据时效"],
  talk: ["Talk time", "通话时长"],
  averageTalk: ["Average talk", "平均通话"],
  basisCalls: ["single calls", "逐通话单"],
  basisTallies: ["vendor's counters", "供应商汇总"],
  kind_vendor: ["Vendor", "供应商"],
  kind_account: ["Account", "账号"],
  kind_display_number: ["Display number", "外显号码"],
  kind_campaign: ["Campaign", "外呼任务"],
  kind_queue: ["Queue", "队列"],
  kind_region: ["Region", "地区"],
  kind_carrier: ["Carrier", "运营商"],
  kind_group: ["Group of a rule", "规则分组"],
  live: ["Live", "实时"],
  connecting: ["Connecting", "连接中"],
  reading: ["Reading", "读取中"],
  offline: ["Disconnected", "已断开"],
  stale: ["Stale", "数据停滞"],
  quiet: ["quiet", "无话务"],
  bannerReading: ["Reading the topics: the figures are not complete yet.", "正在读取数据：目前的数字尚不完整。"],
  bannerOffline: ["Connection lost at {time}. The figures are from then. Trying again in {n} s …", "连接已于 {time} 断开，以下为断开时的数字。{n} 秒后重试……"],
  bannerRetrying: ["Connection lost at {time}. The figures are from then. Connecting …", "连接已于 {time} 断开，以下为断开时的数字。正在重连……"],
  bannerStale: ["Nothing new for {age}: the figures stand as of {time}. Is a worker running?", "已有 {age} 没有新数据，以下为 {time} 的数字。请检查 worker 是否在运行。"],
  emptyTitle: ["No calls counted yet", "还没有话务"],
  emptyHint: ["As soon as a vendor's first call is counted, it appears here.", "供应商的第一通呼叫计入后，会立即显示在这里。"],
  nothingFound: ["Nothing fits these filters", "没有符合条件的结果"],
  clearFilters: ["Clear the filters", "清除筛选"],
  loading: ["Loading", "加载中"],
  noData: ["No data", "无数据"],
  firingFor: ["firing for {age}", "已持续 {age}"],
  pendingFor: ["for {age}", "已持续 {age}"],
  resolvedAgo: ["resolved {age} ago", "{age}前恢复"],
  clearing: ["clearing", "正在恢复"],
  resolvesWhen: ["Resolves when {text}", "恢复条件：{text}"],
  severity_critical: ["Critical", "严重"],
  severity_warning: ["Warning", "警告"],
  severity_info: ["Info", "提示"],
  state_firing: ["Firing", "告警中"],
  state_pending: ["Pending", "观察中"],
  state_resolved: ["Resolved", "已恢复"],
  state_inactive: ["Ended", "已结束"],
  announceFiring: ["Alert: {text}", "告警：{text}"],
  announceResolved: ["Resolved: {text}", "已恢复：{text}"],
  close: ["Close", "关闭"],
  course: ["Course", "走势"],
  story: ["What happened", "告警经过"],
  windows: ["By window", "各窗口"],
  day: ["Day", "日期"],
  lastCalls: ["Last calls", "最近通话"],
  callsMasked: ["Customers' numbers are masked.", "客户号码已脱敏。"],
  noCalls: ["No single calls are known: this vendor reports totals.", "没有逐通话单：该供应商只上报汇总数据。"],
  noCallsYet: ["No calls lately.", "最近没有通话。"],
  noHistory: ["The course is drawn from now on.", "走势从现在开始绘制。"],
  inside: ["Display numbers, the worst first", "外显号码（最差在前）"],
  insideAny: ["Inside", "下级"],
  showAll: ["Show all in the table", "在列表中查看全部"],
  time: ["Time", "时间"],
  direction_outbound: ["Outbound", "呼出"],
  direction_inbound: ["Inbound", "呼入"],
  number: ["Number", "号码"],
  outcome: ["Outcome", "结果"],
  outcome_unanswered: ["Not answered", "未接听"],
  outcome_abandoned: ["Abandoned", "呼损"],
  outcome_connected: ["Connected", "已通话"],
  outcome_missed: ["Missed", "未接来电"],
  inProgress: ["in progress", "进行中"],
  ring: ["Ring", "振铃"],
  wait: ["Wait", "等待"],
  threshold: ["Threshold", "阈值"],
  measured: ["Measured", "实测"],
  rule: ["Rule", "规则"],
  since: ["Since", "开始于"],
  until: ["Until", "结束于"],
  thisAlert: ["See the number", "查看该对象"],
  gone: ["This is no longer known.", "该对象已不存在。"],
  failed: ["It could not be loaded: {text}", "加载失败：{text}"],
  signIn: ["This wallboard asks for a token", "访问大屏需要令牌"],
  signInHint: ["Ask whoever runs callstreams for it.", "请向 callstreams 的管理员索取。"],
  token: ["Token", "令牌"],
  remember: ["Remember on this device", "在此设备上记住"],
  enter: ["Open the wallboard", "进入大屏"],
  wrongToken: ["This token is not accepted.", "令牌无效。"],
  chartOf: ["Answer rate of {name}, now {value}", "{name} 的接通率，当前 {value}"],
  intervalWords: ["95 % interval {low} to {high}", "95% 区间 {low} 至 {high}"],
  alertsHere: ["{n} alerts", "{n} 条告警"],
  alertHere: ["1 alert", "1 条告警"],
  of: ["of {n}", "/ {n}"],
  noDataSince: ["nothing since {time}", "{time} 起无数据"],
  sources: ["Sources", "数据源"],
  sourcesGood: ["all {n} are well", "{n} 个均正常"],
  sourcesBad: ["{n} of {all} need attention", "{all} 个中有 {n} 个异常"],
  sourcesNone: ["No source has been heard of yet: is a poller running?", "尚未收到任何数据源的状态，请检查 poller 是否在运行。"],
  sourcesStarting: ["{n} of {all} starting", "{all} 个中有 {n} 个启动中"],
  source_degraded: ["1 source fails", "1 个数据源异常"],
  sources_degraded: ["{n} sources fail", "{n} 个数据源异常"],
  source_stopped: ["1 source stopped", "1 个数据源已停止"],
  sources_stopped: ["{n} sources stopped", "{n} 个数据源已停止"],
  source_silent: ["1 source silent", "1 个数据源失联"],
  sources_silent: ["{n} sources silent", "{n} 个数据源失联"],
  health_ok: ["OK", "正常"],
  health_starting: ["Starting", "启动中"],
  health_degraded: ["Degraded", "异常"],
  health_stopped: ["Stopped", "已停止"],
  health_silent: ["Silent", "失联"],
  silentFor: ["not heard of for {age}", "{age}未收到状态"],
  lastSuccess: ["last success {age} ago", "{age}前成功"],
  noSuccess: ["no success yet", "尚未成功"],
  records: ["{n} records", "{n} 条记录"],
  foundBySearch: ["{n} found by search", "查询补回 {n} 条"],
  wholeAccount: ["Whole account", "整个账号"],
  "feed_answer-report": ["Answer report", "接通率报表"],
  "feed_dialout-task": ["Dial-out tasks", "外呼任务"],
  "feed_campaign-statistics": ["Campaign statistics", "外呼统计"],
  "feed_missed-call": ["Missed calls", "未接来电"],
  feed_cdr: ["Call records", "话单"],
  feed_push: ["Pushes", "推送"],
  // why a source is not well: the English sentence names the mend, and is the Chinese one's detail
  "reason_no-push": ["{reason}", "尚未收到推送"],
  "reason_signature": ["{reason}", "推送签名不符：请核对密钥与签名公式"],
  "reason_push-refused": ["{reason}", "有推送被拒绝"],
  "reason_timeout": ["{reason}", "供应商未按时应答，自动重试中"],
  "reason_unreachable": ["{reason}", "无法连接供应商，自动重试中"],
  "reason_clock": ["{reason}", "本机时钟不准：请同步时间（NTP）"],
  "reason_throttled": ["{reason}", "请求过于频繁（429），稍后自动重试"],
  "reason_token-quota": ["{reason}", "24 小时内的令牌申请次数已用完"],
  "reason_denied": ["{reason}", "鉴权被拒绝：请检查账号与密钥"],
  "reason_locked": ["{reason}", "访问被拒绝（403）：地址可能已被锁定，请联系供应商"],
  "reason_vendor-fault": ["{reason}", "供应商服务故障，自动重试中"],
  "reason_kafka": ["{reason}", "Kafka 不可用，自动重试中"],
  "reason_taken-over": ["{reason}", "已由其他进程接管"],
  "reason_fault": ["{reason}", "程序内部错误：详见日志"],
  "reason_unreadable": ["{reason}", "供应商的应答无法识别"],
  "reason_refused": ["{reason}", "供应商拒绝了请求"],
  silences: ["Silences", "静默"],
  silencedUntil: ["Silenced until {time}", "静默至 {time}"],
  silenceUntil: ["until {time}", "至 {time}"],
  silenceFrom: ["from {from} to {to}", "{from} 至 {to}"],
  silenceThis: ["Silence this alert", "静默此告警"],
  silenceWhat: ["Alerts with all of these labels", "具有以下全部标签的告警"],
  silenceLasts: ["For", "时长"],
  silenceBy: ["Your name", "姓名"],
  silenceWhy: ["Why", "原因"],
  silenceDo: ["Silence", "静默"],
  endSilence: ["End", "结束"],
  endSilenceOf: ["End the silence of {text}", "结束静默 {text}"],
  cancel: ["Cancel", "取消"],
  span: ["{n} {unit}", "{n} {unit}"],
  unit_m: ["min", "分钟"],
  unit_h: ["h", "小时"],
  unit_d: ["d", "天"],
  signInWrite: ["A token that may write is needed", "需要具有写入权限的令牌"],
};

const VENDORS = {
  "7moor": ["7moor", "容联七陌"],
  huawei: ["Huawei AICC", "华为 AICC"],
  icsoc: ["icsoc", "icsoc"],
};

let column = document.documentElement.lang === "zh-CN" ? 1 : 0;
const listeners = new Set();

export const language = () => (column === 1 ? "zh-CN" : "en");
export const vendorName = (vendor) => VENDORS[vendor]?.[column] ?? vendor;

/** Say `key` in the language chosen, with `{names}` filled in. */
export function t(key, values = {}) {
  const text = WORDS[key]?.[column] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const isWord = (key) => key in WORDS;
export const onLanguage = (listener) => listeners.add(listener);

export function switchLanguage() {
  column = 1 - column;
  document.documentElement.lang = language();
  remember("language", language());
  translatePage();
  for (const listener of listeners) listener();
}

/** Fill in the words of what stands in index.html. */
export function translatePage() {
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-placeholder]")) element.placeholder = t(element.dataset.tPlaceholder);
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
  document.title = `callstreams ${t("wallboard")}`;
}

/** What would end an alert, in the language chosen; rules may write it with or without its lead. */
export function resolution(alert) {
  const said = (column === 1 ? alert.annotations?.resolves_when_zh : null) ?? alert.resolves_when;
  return said?.replace(/^resolves when /i, "").replace(/^恢复条件[：:]\s*/, "");
}

/** The text of an alert in the language chosen. */
export function annotation(alert, name) {
  const said = alert.annotations ?? {};
  return column === 1 ? (said[`${name}_zh`] ?? said[name]) : (said[name] ?? said[`${name}_zh`]);
}
