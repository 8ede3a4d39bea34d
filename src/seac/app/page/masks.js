// @ts-check
/** Masks of frames: loaded in parts as the video plays, and decoded from COCO's run-length code. */

import { request } from "./api.js";

const AHEAD = 20, KEYS_AHEAD = 6, LATEST = 6; // seconds
const HELD = 60, HELD_KEYS = 200, LIKELY = 0.05;

/**
 * @typedef {{time: number, masks: Record<string, string>}} Frame
 * @typedef {{from: number, to: number, size: [number, number], frames: Frame[]}} Part
 */

/** Run lengths of a compressed code, background first. @param {string} code @returns {number[]} */
export const runLengths = (code) => {
  /** @type {number[]} */
  const found = [];
  for (let at = 0; at < code.length;) {
    let value = 0, shift = 0, more = true;
    while (more) {
      const bits = code.charCodeAt(at) - 48;
      value |= (bits & 0x1f) << shift;
      more = (bits & 0x20) !== 0;
      shift += 5;
      at += 1;
      if (!more && bits & 0x10) value |= -1 << shift;
    }
    if (found.length > 2) value += found[found.length - 2];
    found.push(value);
  }
  return found;
};

/** Pixels of a mask, column by column: 1 inside. @param {string} code @param {[number, number]} size */
export const decode = (code, [height, width]) => {
  const pixels = new Uint8Array(height * width);
  let at = 0, inside = 0;
  for (const length of runLengths(code)) {
    if (inside) pixels.fill(1, at, at + length);
    at += length;
    inside = 1 - inside;
  }
  return pixels;
};

/** Tracks whose masks come without being asked for by number. @param {import("./decide.js").Result} result */
export const likelyTracks = (result) => {
  const found = new Set();
  result.steps.key_frame.forEach((position, step) => {
    if (position < 0 || !result.steps.active[step]) return;
    result.steps.probability[step].forEach((value, row) => { if (value >= LIKELY) found.add(result.key_frames.tracks[position][row]); });
  });
  return found;
};

/** The frame that is shown at a time. @param {Frame[]} frames @param {number} seconds */
export const frameAt = (frames, seconds) => {
  let low = 0, high = frames.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (frames[middle].time <= seconds + 0.004) low = middle; else high = middle - 1;
  }
  return frames[low];
};

/** Masks of one job. Parts are asked for one after another: that of the present time first, then those ahead. */
export class Masks {
  /**
   * @param {string} job @param {import("./decide.js").Result} result @param {() => boolean} playing
   * @param {() => void} changed is called when masks have come
   */
  constructor(job, result, playing, changed) {
    this.playing = playing;
    this.job = job;
    this.changed = changed;
    this.duration = Math.max(result.video.duration, result.audio.level.length * result.step);
    this.times = result.key_frames.times;
    this.likely = likelyTracks(result);
    /** @type {[number, number]} */
    this.size = [1, 1];
    /** @type {Map<string, Part[]>} */
    this.parts = new Map();
    /** @type {Map<number, Record<string, string>>} */
    this.keys = new Map();
    /** @type {Set<number>} */
    this.asked = new Set();
    this.takes = 0; // seconds that the last part took
    this.extra = "";
    this.time = 0;
    this.busy = false;
    this.failed = "";
    this.closing = new AbortController();
  }

  close() { this.closing.abort(); }

  /** Tracks of a decision whose masks must be asked for by number. @param {number[]} added */
  setAdded(added) {
    this.extra = added.filter((track) => !this.likely.has(track)).sort((a, b) => a - b).join(",");
    this.load();
  }

  /** The masks of a frame, by track; null while none is known. @param {number} seconds @returns {Record<string, string> | null} */
  at(seconds) {
    this.time = seconds;
    this.load();
    const found = this.part("", seconds);
    const masks = found ? frameAt(found.frames, seconds)?.masks ?? {} : this.keys.get(this.nearest(seconds)) ?? null;
    const extra = this.extra ? this.part(this.extra, seconds) : undefined;
    return extra ? { ...frameAt(extra.frames, seconds)?.masks, ...masks } : masks;
  }

  /** Whether the masks of this very frame are known. @param {number} seconds */
  isExact(seconds) { return this.part("", seconds) !== undefined; }

  /** Position of the key frame that is nearest in time. @param {number} seconds */
  nearest(seconds) {
    return this.times.reduce((best, time, i) => (Math.abs(time - seconds) < Math.abs(this.times[best] - seconds) ? i : best), 0);
  }

  /** Masks of key frames, which come sooner than those of all frames. @param {number} from @param {number} to @param {boolean} [all] improbable ones too */
  async loadKeys(from, to, all = false) {
    const found = await request(`/jobs/${this.job}/key-masks?from=${from.toFixed(3)}&to=${to.toFixed(3)}${all ? "&all=true" : ""}`, { signal: this.closing.signal });
    this.size = found.size;
    for (const frame of found.frames) {
      const position = this.nearest(frame.time), held = this.keys.get(position);
      this.keys.delete(position); // the newest is last
      this.keys.set(position, { ...held, ...frame.masks });
    }
    while (this.keys.size > HELD_KEYS) this.keys.delete(/** @type {number} */ (this.keys.keys().next().value));
    this.changed();
  }

  /** All masks of the key frame that is nearest in time. @param {number} seconds @returns {Promise<Record<string, string>>} */
  async keyMasks(seconds) {
    const position = this.nearest(seconds), time = this.times[position] ?? 0;
    await this.loadKeys(time, time, true);
    return this.keys.get(position) ?? {};
  }

  /** Ask for the key frames from now on, unless they are there or on their way. */
  ensureKeys() {
    const position = this.nearest(this.time);
    if (this.keys.has(position) || this.asked.has(position) || !this.times.length) return;
    const end = this.time + KEYS_AHEAD;
    this.times.forEach((time, i) => { if (time >= this.time - 1 && time <= end) this.asked.add(i); });
    this.asked.add(position);
    this.loadKeys(Math.max(0, this.times[position] - 0.01), end).catch(() => {}).finally(() => this.asked.clear());
  }

  /** @param {string} tracks @param {number} seconds */
  part(tracks, seconds) {
    const time = Math.min(seconds, this.duration - 1e-3);
    return this.parts.get(tracks)?.find((part) => part.from <= time + 0.004 && time + 0.004 < part.to);
  }

  /** What to ask for next: tracks and seconds. While the video plays, a part that would come too late is left out. @returns {[string, number] | null} */
  missing() {
    const end = Math.min(this.duration - 0.01, this.time + AHEAD);
    let seconds = Math.max(0, this.time);
    if (this.playing() && !this.part("", seconds)) seconds = Math.min(end, seconds + this.takes);
    while (seconds <= end) {
      const part = this.part("", seconds);
      if (!part) return ["", seconds];
      if (this.extra && !this.part(this.extra, seconds)) return [this.extra, seconds];
      seconds = part.to + 0.001;
    }
    return null;
  }

  async load() {
    if (this.closing.signal.aborted) return;
    if (!this.part("", this.time)) this.ensureKeys();
    const wanted = this.busy || this.failed ? null : this.missing();
    if (!wanted) return;
    this.busy = true;
    const [tracks, seconds] = wanted, began = performance.now();
    try {
      const query = `from=${seconds.toFixed(3)}&to=${(seconds + 0.01).toFixed(3)}${tracks ? `&tracks=${tracks}` : ""}`;
      /** @type {Part} */
      const part = await request(`/jobs/${this.job}/masks?${query}`, { signal: this.closing.signal });
      if (!(part.from <= seconds + 0.005 && seconds < part.to)) throw new Error("the server gave other masks than were asked for");
      this.size = part.size;
      const held = this.parts.get(tracks) ?? [];
      held.push(part);
      if (held.length > HELD) held.shift();
      this.parts.set(tracks, held);
      this.takes = Math.min(LATEST, (performance.now() - began) / 1000);
      this.changed();
    } catch (error) {
      if (this.closing.signal.aborted) return;
      this.failed = /** @type {Error} */ (error).message;
      this.changed();
    } finally {
      this.busy = false;
    }
    this.load();
  }
}
