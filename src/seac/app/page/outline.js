// @ts-check
/** Smooth outlines of masks: marching squares over the pixels, then curves through the points. */

import { decode } from "./masks.js";

/** Edges of a cell: top 0, right 1, bottom 2, left 3. For each case of its corners, segments from edge to edge. */
const SEGMENTS = [
  [], [[3, 2]], [[2, 1]], [[3, 1]], [[1, 0]], [[1, 0], [3, 2]], [[2, 0]], [[3, 0]],
  [[0, 3]], [[0, 2]], [[0, 3], [2, 1]], [[0, 1]], [[1, 3]], [[1, 2]], [[2, 3]], [],
];
const EDGES = [[0.5, 0], [1, 0.5], [0.5, 1], [0, 0.5]];
const EVERY = 3;
const MIN_AREA = 1 / 3000; // of the frame: smaller parts and holes are not drawn

/**
 * Closed loops [x, y, x, y, ...] around the inside of a mask, in pixels.
 * @param {Uint8Array} pixels column by column @param {[number, number]} size
 * @returns {number[][]}
 */
export const trace = (pixels, [height, width]) => {
  const inside = (/** @type {number} */ x, /** @type {number} */ y) =>
    (x >= 0 && y >= 0 && x < width && y < height ? pixels[x * height + y] : 0);
  const key = (/** @type {number} */ x, /** @type {number} */ y) => (2 * y + 2) * (2 * width + 4) + 2 * x + 2;
  /** @type {Map<number, [number, number, number]>} */
  const next = new Map();
  for (let x = -1; x < width; x++) {
    for (let y = -1; y < height; y++) {
      const corners = inside(x, y + 1) | (inside(x + 1, y + 1) << 1) | (inside(x + 1, y) << 2) | (inside(x, y) << 3);
      if (corners === 0 || corners === 15) continue;
      for (const [from, to] of SEGMENTS[corners]) {
        const [x0, y0] = EDGES[from], [x1, y1] = EDGES[to];
        next.set(key(x + x0, y + y0), [key(x + x1, y + y1), x + x0 + 0.5, y + y0 + 0.5]);
      }
    }
  }
  /** @type {number[][]} */
  const loops = [];
  for (const start of next.keys()) {
    /** @type {number[]} */
    const loop = [];
    for (let at = start; next.has(at);) {
      const [to, x, y] = /** @type {[number, number, number]} */ (next.get(at));
      loop.push(x, y);
      next.delete(at);
      at = to;
    }
    if (loop.length >= 8) loops.push(loop);
  }
  const areas = loops.map(area), least = Math.min(Math.max(0, ...areas), width * height * MIN_AREA);
  return loops.filter((_, i) => areas[i] >= least);
};

/** Area inside a loop in pixels, by the shoelace formula. @param {number[]} loop */
const area = (loop) => {
  let sum = 0;
  for (let i = 0; i < loop.length; i += 2) sum += loop[i] * loop[(i + 3) % loop.length] - loop[(i + 2) % loop.length] * loop[i + 1];
  return Math.abs(sum) / 2;
};

/** A path of smooth curves. @param {number[][]} loops */
export const smooth = (loops) => {
  const path = new Path2D();
  for (const loop of loops) {
    const step = loop.length > 40 ? EVERY : 1;
    /** @type {number[][]} */
    const points = [];
    for (let i = 0; i < loop.length; i += 2 * step) points.push([loop[i], loop[i + 1]]);
    const middle = (/** @type {number} */ i) => {
      const [x0, y0] = points[i % points.length], [x1, y1] = points[(i + 1) % points.length];
      return [(x0 + x1) / 2, (y0 + y1) / 2];
    };
    const [x, y] = middle(0);
    path.moveTo(x, y);
    for (let i = 1; i <= points.length; i++) {
      const [px, py] = points[i % points.length], [mx, my] = middle(i);
      path.quadraticCurveTo(px, py, mx, my);
    }
    path.closePath();
  }
  return path;
};

/** @typedef {{path: Path2D, top: [number, number]}} Outline path, and its highest point */

/** Outlines by code, so that a frame that is drawn again costs nothing. */
export class Outlines {
  constructor(limit = 600) {
    this.limit = limit;
    /** @type {Map<string, Outline>} */
    this.held = new Map();
  }

  /** @param {string} code @param {[number, number]} size @returns {Outline} */
  get(code, size) {
    const key = `${size} ${code}`, held = this.held.get(key);
    if (held) return held;
    const loops = trace(decode(code, size), size);
    /** @type {[number, number]} */
    let top = [0, size[0]];
    for (const loop of loops) for (let i = 0; i < loop.length; i += 2) if (loop[i + 1] < top[1]) top = [loop[i], loop[i + 1]];
    const found = { path: smooth(loops), top };
    if (this.held.size >= this.limit) this.held.delete(/** @type {string} */ (this.held.keys().next().value));
    this.held.set(key, found);
    return found;
  }
}
