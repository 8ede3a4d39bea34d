// @ts-check
/** The decision that the user edits, with undo and redo. */

/** @typedef {import("./decide.js").Decision} Decision */

/** @returns {Decision} */
export const defaults = () => ({
  threshold: null, min_duration: 0, max_gap: 0.1, mute: [], solo: [], add: [], rename: {}, colours: {}, vocabulary: null, find: null,
});

/** Edits of these fields in a row within so many milliseconds are one step of undo: a slider is dragged. */
const JOINED = new Set(["threshold", "min_duration", "colours"]), WITHIN = 1000;

export class Edits {
  /** @param {Partial<Decision>} given @param {() => void} changed */
  constructor(given, changed) {
    const known = /** @type {any} */ (defaults());
    for (const [name, value] of Object.entries(given)) if (name in known) known[name] = value;
    /** @type {Decision} */
    this.now = known;
    this.changed = changed;
    /** @type {Decision[]} */
    this.past = [];
    /** @type {Decision[]} */
    this.future = [];
    this.last = { field: "", time: 0 };
  }

  /** @template {keyof Decision} K @param {K} field @param {Decision[K]} value */
  set(field, value) {
    if (JSON.stringify(this.now[field]) === JSON.stringify(value)) return;
    const time = performance.now();
    const joins = JOINED.has(field) && field === this.last.field && time - this.last.time < WITHIN;
    if (!joins) this.past.push(this.now);
    this.last = { field, time };
    this.future = [];
    this.now = { ...this.now, [field]: value };
    this.changed();
  }

  /** Put a track into a list or take it out. @param {"mute" | "solo" | "add"} field @param {number} track @param {boolean} [on] */
  toggle(field, track, on = !this.now[field].includes(track)) {
    const rest = this.now[field].filter((other) => other !== track);
    this.set(field, on ? [...rest, track].sort((a, b) => a - b) : rest);
  }

  /** A thing that was pointed at sounds: its track is added and shown. @param {number} track @param {boolean} likely */
  addTrack(track, likely) {
    const { mute, add, solo } = this.now;
    const muted = mute.includes(track);
    this.replace({
      ...this.now,
      mute: mute.filter((other) => other !== track),
      solo: solo.length ? [...solo.filter((other) => other !== track), track] : solo,
      add: muted && likely ? add : [...add.filter((other) => other !== track), track].sort((a, b) => a - b),
    });
  }

  /** A thing that was pointed at does not sound. @param {number} track */
  dropTrack(track) {
    const { mute, add } = this.now;
    this.replace({ ...this.now, add: add.filter((other) => other !== track), mute: [...mute.filter((other) => other !== track), track].sort((a, b) => a - b) });
  }

  /** @param {number} track @param {string} name that of the result if empty */
  rename(track, name) {
    const { [track]: _, ...rest } = this.now.rename;
    this.set("rename", name ? { ...rest, [track]: name } : rest);
  }

  /** @param {number} track @param {[number, number, number]} colour */
  paint(track, colour) { this.set("colours", { ...this.now.colours, [track]: colour }); }

  reset() { this.replace(defaults()); }

  /** @param {Decision} decision */
  replace(decision) {
    this.past.push(this.now);
    this.future = [];
    this.last.field = "";
    this.now = decision;
    this.changed();
  }

  undo() { this.step(this.past, this.future); }

  redo() { this.step(this.future, this.past); }

  /** @param {Decision[]} from @param {Decision[]} to */
  step(from, to) {
    const found = from.pop();
    if (!found) return;
    to.push(this.now);
    this.last.field = "";
    this.now = found;
    this.changed();
  }
}
