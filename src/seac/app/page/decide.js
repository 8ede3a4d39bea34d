// @ts-check
/** Which tracks sound when, from stored probabilities: the rule of `seac.results.decide`, step by step. */

/**
 * @typedef {object} Track
 * @property {number} id
 * @property {string[]} names likeliest first
 * @property {[number, number, number]} colour
 * @property {number} first seconds
 * @property {number} last seconds
 *
 * @typedef {object} Result answers of GET /jobs/{id}/result and /evidence, joined
 * @property {{width: number, height: number, duration: number, still: boolean, has_audio: boolean}} video
 * @property {number} step seconds between audio steps
 * @property {number} threshold
 * @property {number} margin in log-odds
 * @property {Track[]} tracks
 * @property {{times: number[], tracks: number[][], covering: number[][]}} key_frames
 * @property {number[]} cuts seconds
 * @property {{key_frame: number[], probability: number[][], active: boolean[]}} steps
 * @property {{level: number[], captions: string[]}} audio in steps
 * @property {Partial<Decision>} decision
 * @property {Record<string, string>} names of all tracks, without those that the user gave
 * @property {OffScreen[]} off_screen
 * @property {Found | null} found
 *
 * @typedef {{name: string, start: number, stop: number}} OffScreen audio without a visible source
 * @typedef {{tracks: number[], steps: [number, number][]}} Found what agrees with the phrase
 *
 * @typedef {object} Decision
 * @property {number | null} threshold
 * @property {number} min_duration
 * @property {number} max_gap
 * @property {number[]} mute
 * @property {number[]} solo
 * @property {number[]} add
 * @property {Record<string, string>} rename
 * @property {Record<string, [number, number, number]>} colours
 * @property {string[] | null} vocabulary
 * @property {string | null} find
 *
 * @typedef {object} Shown a track that sounds
 * @property {number} id
 * @property {[number, number, number][]} spans start, stop, probability
 * @property {Set<number>} covered positions of key frames in which another mask covers its mask
 */

const TINY = 1e-7, ADDED = 1e6;

/** Seconds as steps: at least so many. @param {number} seconds @param {number} step */
const stepsOf = (seconds, step) => Math.ceil(seconds / step - 1e-6);

/** @param {number} value */
const round6 = (value) => Math.round(value * 1e6) / 1e6;

/** Greatest log-odds of each step that are not more than the margin away. @param {Result} result */
const lowest = (result) =>
  result.steps.probability.map((row) => {
    let greatest = -Infinity;
    for (const value of row) {
      const clipped = Math.min(Math.max(value, TINY), 1 - TINY);
      greatest = Math.max(greatest, Math.log(clipped / (1 - clipped)));
    }
    return greatest - result.margin;
  });

/** Whether each step agrees with the phrase. @param {Result} result @param {Found | null} found */
const agreeing = (result, found) => {
  const count = result.steps.key_frame.length;
  if (!found) return new Uint8Array(count).fill(1);
  const agree = new Uint8Array(count);
  for (const [first, last] of found.steps) agree.fill(1, first, last);
  return agree;
};

/**
 * Rows that sound at the lower of the thresholds of decision and result: [step, position of the key frame, row in it, track, probability].
 * @param {Result} result @param {Decision} decision @param {Found | null} found
 * @returns {[number, number, number, number, number][]}
 */
const soundingRows = (result, decision, found) => {
  const { steps, key_frames } = result;
  const threshold = Math.fround(Math.min(decision.threshold ?? result.threshold, result.threshold));
  const mute = new Set(decision.mute), solo = new Set(decision.solo), add = new Set(decision.add);
  const allowed = found && new Set(found.tracks);
  const agree = agreeing(result, found), least = lowest(result);
  /** @type {[number, number, number, number, number][]} */
  const rows = [];
  steps.key_frame.forEach((position, step) => {
    if (position < 0 || !steps.active[step] || !agree[step]) return;
    const tracks = key_frames.tracks[position];
    steps.probability[step].forEach((given, row) => {
      const track = tracks[row], value = Math.fround(given);
      if (mute.has(track) || (solo.size && !solo.has(track)) || (allowed && !allowed.has(track))) return;
      if (add.has(track)) { rows.push([step, position, row, track, ADDED]); return; }
      const clipped = Math.min(Math.max(value, TINY), 1 - TINY);
      if (value >= threshold && Math.log(clipped / (1 - clipped)) >= least[step]) rows.push([step, position, row, track, value]);
    });
  });
  return rows;
};

/**
 * Rank of each track by its evidence over the video, 0 for the most; equal evidence: by the greatest probability.
 * @param {[number, number, number, number, number][]} rows @param {number} threshold of the result
 * @returns {Map<number, number>}
 */
const trackRanks = (rows, threshold) => {
  const least = Math.fround(threshold);
  /** @type {Map<number, [number, number]>} */
  const evidence = new Map();
  for (const [, , , track, value] of rows) {
    const [sum, most] = evidence.get(track) ?? [0, 0];
    evidence.set(track, [sum + (value >= least ? value : 0), Math.max(most, value)]);
  }
  const order = [...evidence].sort(([a, [x, p]], [b, [y, q]]) => y - x || q - p || a - b);
  return new Map(order.map(([track], rank) => [track, rank]));
};

/**
 * By key frame, the track that stands for another one whose mask covers its mask or is covered by it.
 * @param {Result} result @param {Map<number, number>} ranks @param {Set<number>} positions
 * @returns {Map<number, Map<number, number>>}
 */
const standIns = (result, ranks, positions) => {
  const replaced = new Map();
  for (const position of positions) {
    const ids = result.key_frames.tracks[position], pairs = result.key_frames.covering[position];
    const cover = new Set();
    for (let i = 0; i < pairs.length; i += 2) {
      cover.add(pairs[i] * ids.length + pairs[i + 1]);
      cover.add(pairs[i + 1] * ids.length + pairs[i]);
    }
    const rank = (/** @type {number} */ row) => /** @type {number} */ (ranks.get(ids[row]));
    const order = ids.map((_, row) => row).filter((row) => ranks.has(ids[row])).sort((a, b) => rank(a) - rank(b));
    /** @type {number[]} */
    const kept = [];
    const found = new Map();
    for (const row of order) {
      const other = kept.find((each) => cover.has(row * ids.length + each));
      if (other === undefined) kept.push(row);
      else found.set(ids[row], ids[other]);
    }
    if (found.size) replaced.set(position, found);
  }
  return replaced;
};

/**
 * Runs [first, last) of ascending steps; `values` gives the probability of each.
 * @param {number[]} steps @param {number[]} values @param {number} maxGap @param {number} minLength
 * @returns {[number, number, number][]}
 */
export const runs = (steps, values, maxGap, minLength) => {
  /** @type {[number, number, number][]} */
  const found = [];
  steps.forEach((step, i) => {
    const last = found[found.length - 1];
    if (last && step - last[1] <= maxGap) {
      last[1] = step + 1;
      last[2] = Math.max(last[2], values[i]);
    } else {
      found.push([step, step + 1, values[i]]);
    }
  });
  return found.filter(([first, last]) => last - first >= minLength);
};

/**
 * The tracks that sound, in order of their first span.
 * @param {Result} result @param {Decision} decision @param {Found | null} found what agrees with the phrase
 * @returns {Shown[]}
 */
export const decide = (result, decision, found) => {
  const possible = soundingRows(result, decision, found), least = Math.fround(decision.threshold ?? result.threshold);
  const rows = possible.filter((row) => row[4] >= least);
  const replaced = standIns(result, trackRanks(possible, result.threshold), new Set(rows.map((row) => row[1])));
  /** @type {Map<number, {steps: number[], values: number[], covered: Set<number>}>} */
  const tracks = new Map();
  for (const [step, position, , own, value] of rows) {
    const track = replaced.get(position)?.get(own) ?? own;
    const entry = tracks.get(track) ?? { steps: [], values: [], covered: new Set() };
    tracks.set(track, entry);
    const last = entry.steps.length - 1;
    if (entry.steps[last] === step) entry.values[last] = Math.max(entry.values[last], Math.min(1, value));
    else { entry.steps.push(step); entry.values.push(Math.min(1, value)); }
  }
  for (const [position, found] of replaced) for (const track of found.keys()) tracks.get(track)?.covered.add(position);
  const { step: length, video } = result, shown = [];
  for (const [id, entry] of tracks) {
    const found = runs(entry.steps, entry.values, stepsOf(decision.max_gap, length), stepsOf(decision.min_duration, length));
    /** @type {[number, number, number][]} */
    const spans = found.map(([first, last, value]) => {
      const stop = round6(last * length);
      return [round6(first * length), video.duration > first * length ? Math.min(stop, video.duration) : stop, value];
    });
    if (spans.length) shown.push({ id, spans, covered: entry.covered });
  }
  return shown.sort((a, b) => a.spans[0][0] - b.spans[0][0] || a.id - b.id);
};

/**
 * The tracks of which a span contains a time, likeliest last, so that they are drawn on top.
 * @param {Result} result @param {Shown[]} shown @param {number} seconds
 */
export const tracksAt = (result, shown, seconds) => {
  const times = result.key_frames.times, time = seconds + 1e-6;
  let position = -1; // the key frame that is nearest in time
  for (let low = 0, high = times.length - 1; low <= high;) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) { position = middle; low = middle + 1; } else high = middle - 1;
  }
  const next = times[position + 1];
  if (next !== undefined && (position < 0 || next - time < time - times[position])) position += 1;
  return shown
    .map((track) => ({ track, span: track.spans.find((span) => span[0] <= time && time < span[1]) }))
    .filter(({ track, span }) => span && !track.covered.has(position))
    .sort((a, b) => (a.span?.[2] ?? 0) - (b.span?.[2] ?? 0))
    .map(({ track }) => track);
};
