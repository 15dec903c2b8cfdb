// Sparklines on a canvas: one path, no library.

/** Draw points `[[x, y]]` (null is a gap) as a line with a soft floor; sized by CSS. */
export function spark(canvas, points, colour, { fill = true, line = 1.6 } = {}) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (!width || !height) return;
  if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
  if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const known = (points ?? []).filter(([, y]) => y !== null);
  if (known.length < 2) return;
  const first = points[0][0];
  const span = points[points.length - 1][0] - first || 1;
  const values = known.map(([, y]) => y);
  let low = Math.min(...values);
  let high = Math.max(...values);
  // noise must not look like a landslide: at least ten points of a rate, or three calls
  const least = high <= 1 ? 0.1 : 3;
  if (high - low < least) {
    const middle = (low + high) / 2;
    low = Math.max(0, middle - least / 2);
    high = low + least;
  }
  const pad = line + 0.5;
  const at = ([x, y]) => [
    pad + ((x - first) / span) * (width - 2 * pad),
    height - pad - ((y - low) / (high - low)) * (height - 2 * pad),
  ];
  context.beginPath();
  known.forEach((point, place) => context[place ? "lineTo" : "moveTo"](...at(point)));
  context.strokeStyle = colour;
  context.lineWidth = line;
  context.lineJoin = context.lineCap = "round";
  context.stroke();
  const [endX, endY] = at(known[known.length - 1]);
  if (fill) {
    context.lineTo(endX, height);
    context.lineTo(at(known[0])[0], height);
    context.closePath();
    context.globalAlpha = 0.13;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = 1;
  }
  context.beginPath();
  context.arc(endX, endY, line * 1.3, 0, 7);
  context.fillStyle = colour;
  context.fill();
}

const colours = new Map();

/** A colour of the theme by its name. */
export function colour(name) {
  if (!colours.has(name)) colours.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return colours.get(name);
}

export const forgetColours = () => colours.clear();
export const colourOf = (alert) => colour(alert ? (alert.severity === "critical" ? "crit" : "warn") : "accent");
