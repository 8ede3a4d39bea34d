// @ts-check
/** Elements and numbers. Text of others goes through `textContent` only. */

/** @param {string} id @returns {any} */
export const find = (id) => {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element ${id}`);
  return element;
};

/**
 * @param {string} tag @param {Record<string, any>} [properties] properties; `class` and names with a dash are attributes
 * @param {...(Node | string)} children
 * @returns {any}
 */
export const create = (tag, properties = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "class" || name.includes("-") || name === "role") element.setAttribute(name, String(value));
    else /** @type {any} */ (element)[name] = value;
  }
  element.append(...children);
  return element;
};

/** @param {string} tag @param {Record<string, string>} attributes */
export const vector = (tag, attributes) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
};

/** @param {number} value @param {number} low @param {number} high */
export const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** Seconds as 1:02.3. @param {number} seconds @param {number} [decimals] */
export const clock = (seconds, decimals = 1) => {
  const scale = 10 ** decimals, ticks = Math.round(seconds * scale), minutes = Math.floor(ticks / scale / 60);
  const rest = ((ticks / scale) % 60).toFixed(decimals);
  if (!minutes) return rest;
  const tail = rest.padStart(decimals ? 3 + decimals : 2, "0");
  return minutes < 60 ? `${minutes}:${tail}` : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${tail}`;
};

/** @param {[number, number, number] | number[]} colour */
export const hex = (colour) => `#${colour.map((part) => part.toString(16).padStart(2, "0")).join("")}`;

/** @param {string} text @returns {[number, number, number]} */
export const rgb = (text) => /** @type {[number, number, number]} */ ([1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));

/** @param {number} bytes */
export const size = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** Call `act` once, so many milliseconds after the last call. @param {() => void} act @param {number} wait */
export const later = (act, wait) => {
  let timer = 0;
  const call = () => { clearTimeout(timer); timer = window.setTimeout(() => { timer = 0; act(); }, wait); };
  /** Whether a call waits. */
  call.waits = () => timer !== 0;
  call.now = () => { clearTimeout(timer); timer = 0; act(); };
  return call;
};
