// Small helpers. Text goes in as text nodes alone, so nothing from a topic becomes markup.

export const byId = (id) => document.getElementById(id);

const SVG = new Set(["svg", "path", "circle", "rect", "line"]);

/** Make an element: attributes by name, `on` for listeners, `class`, children as nodes or text. */
export function make(tag, attributes = {}, ...children) {
  const element = SVG.has(tag)
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [kind, listener] of Object.entries(value)) element.addEventListener(kind, listener);
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}

/** Set an element's text where it differs. */
export function say(element, text) {
  const wanted = text ?? "";
  if (element.textContent !== wanted) element.textContent = wanted;
}

/** Set or remove an attribute where it differs. */
export function mark(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
}

export function icon(path) {
  return make("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: "icon" }, make("path", { d: path }));
}

export const ICONS = {
  critical: "M12 3 2 20h20zM12 10v5M12 17.5v.5",
  warning: "M12 3 2 20h20zM12 10v5M12 17.5v.5",
  info: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 11v6M12 7.5v.5",
  good: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8 12l3 3 5-6",
  pending: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM12 7v5l3 3",
  stopped: "M8 3h8l5 5v8l-5 5H8l-5-5V8zM9 9l6 6M15 9l-6 6",
  silent: "M3 3l18 18M8.5 15.5a5 5 0 0 1 0-7M5.5 18.5a9.5 9.5 0 0 1-.6-12.4M15.5 8.5a5 5 0 0 1 .9 5.7M18.5 5.5a9.5 9.5 0 0 1 1.5 11.2",
  muted: "M3 3l18 18M18 16.5V11a6 6 0 0 0-9.5-4.9M6.3 9A6 6 0 0 0 6 11v5l-2 2h13M10 21h4",
  close: "M5 5l14 14M19 5 5 19",
  next: "M9 5l7 7-7 7",
};

/** Read or write what this browser remembers; storage may be forbidden. */
export function remembered(name) {
  try {
    return localStorage.getItem(`callstreams.${name}`);
  } catch {
    return null;
  }
}

export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(`callstreams.${name}`);
    else localStorage.setItem(`callstreams.${name}`, value);
  } catch {
    // then it is forgotten
  }
}
