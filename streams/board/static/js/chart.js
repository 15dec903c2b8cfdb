// The course of a scope: rate, interval, threshold and when an alert fired; uPlot draws.

import { clock, minute, moment, percent } from "./format.js";
import { t } from "./i18n.js";
import { colour } from "./spark.js";

let loading = null;
const library = () => (loading ??= import("../vendor/uplot-1.6.32/uPlot.esm.js").then((module) => module.default));

const faint = (name, share) => `color-mix(in srgb, ${colour(name)} ${share}%, transparent)`;

/** Shade when the alert fired and draw its threshold. */
function overlay({ threshold, spans }) {
  return {
    hooks: {
      drawClear: (plot) => {
        const { ctx, bbox } = plot;
        ctx.save();
        for (const { from, to, kind } of spans) {
          const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
          const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
          if (right <= left) continue;
          ctx.fillStyle = faint(kind === "firing" ? "crit" : "warn", kind === "firing" ? 14 : 10);
          ctx.fillRect(left, bbox.top, right - left, bbox.height);
          ctx.fillStyle = colour(kind === "firing" ? "crit" : "warn");
          ctx.fillRect(left, bbox.top, Math.max(2, devicePixelRatio), bbox.height);
        }
        ctx.restore();
      },
      draw: (plot) => {
        if (threshold === null || threshold === undefined) return;
        const { ctx, bbox } = plot;
        const y = plot.valToPos(threshold, "y", true);
        if (y < bbox.top || y > bbox.top + bbox.height) return;
        ctx.save();
        ctx.strokeStyle = colour("crit");
        ctx.lineWidth = 1.5 * devicePixelRatio;
        ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
        ctx.beginPath();
        ctx.moveTo(bbox.left, y);
        ctx.lineTo(bbox.left + bbox.width, y);
        ctx.stroke();
        ctx.restore();
      },
    },
  };
}

/** Points of the API into columns; a scope of missed calls has counts in place of rates. */
function columns(points, asRate) {
  const read = asRate ? ["value", "low", "high"] : ["missed"];
  return [points.map((point) => Date.parse(point.end) / 1000), ...read.map((name) => points.map((point) => point[name]))];
}

/** Draw into `element`; gives {update, destroy}. */
export async function chart(element, { points, asRate, threshold = null, spans = [], label }) {
  const Plot = await library();
  const text = colour("muted");
  const axis = { stroke: text, grid: { stroke: colour("line"), width: 1 }, ticks: { stroke: colour("line"), width: 1, size: 4 }, font: `12px ${getComputedStyle(document.body).fontFamily}` };
  const value = asRate ? percent : (number) => String(number ?? "–");
  const size = () => ({ width: Math.max(200, element.clientWidth), height: Math.max(160, element.clientHeight) });
  const line = { stroke: colour("accent"), width: 2.2, points: { show: false } };
  const edge = { stroke: faint("accent", 35), width: 1, points: { show: false } };
  const range = (_plot, low, high) => {
    const least = Math.min(low ?? 0, threshold ?? Infinity);
    const most = Math.max(high ?? 0, threshold ?? -Infinity);
    const pad = Math.max((most - least) * 0.12, asRate ? 0.02 : 1);
    return [Math.max(0, least - pad), asRate ? Math.min(1, most + pad) : most + pad];
  };
  const plot = new Plot(
    {
      ...size(),
      tzDate: (unix) => new Date(unix * 1000),
      legend: { show: false },
      cursor: { y: false, points: { size: 7 } },
      scales: { x: { time: true }, y: { range } },
      axes: [
        { ...axis, values: (_plot, splits) => splits.map(splits[1] - splits[0] < 60 ? clock : minute), space: 76 },
        { ...axis, size: 52, values: (_plot, splits) => splits.map((split) => (asRate ? `${Math.round(100 * split)}%` : Number.isInteger(split) ? split : "")) },
      ],
      series: asRate ? [{}, line, edge, edge] : [{}, { ...line, fill: faint("accent", 14), paths: Plot.paths.stepped({ align: 1 }) }],
      bands: asRate ? [{ series: [3, 2], fill: faint("accent", 16) }] : [],
      plugins: [overlay({ threshold, spans }), readout(element, value, asRate)],
    },
    columns(points, asRate),
    element,
  );
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", label);
  const observer = new ResizeObserver(() => plot.setSize(size()));
  observer.observe(element);
  return {
    update: (fresh) => plot.setData(columns(fresh, asRate)),
    destroy: () => {
      observer.disconnect();
      plot.destroy();
    },
  };
}

/** What stands under the pointer, in words above the chart. */
function readout(element, value, asRate) {
  const box = document.createElement("div");
  box.className = "readout";
  return {
    hooks: {
      init: () => element.append(box),
      setCursor: (plot) => {
        const { idx } = plot.cursor;
        if (idx === null || idx === undefined || plot.data[1][idx] === null) {
          box.textContent = "";
          return;
        }
        const [times, values, low, high] = plot.data;
        const band = asRate && low[idx] !== null ? `  (${percent(low[idx])} – ${percent(high[idx])})` : "";
        box.textContent = `${moment(times[idx])}  ${asRate ? t("answerRate") : t("missed")} ${value(values[idx])}${band}`;
      },
    },
  };
}
