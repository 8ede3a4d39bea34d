// @ts-check
/** Click on a thing in a paused frame: the smallest mask there, with what can be done about it. */

import { create, find, hex } from "./dom.js";
import { decode } from "./masks.js";

const NEAR = 0.06; // share of the long side from which the nearest mask counts
const STRIDE = 2; // one pixel in so many counts for distances

/** @param {Uint8Array} pixels @param {[number, number]} size @param {number} x @param {number} y */
const distance = (pixels, [height, width], x, y) => {
  if (pixels[Math.floor(x) * height + Math.floor(y)]) return 0;
  let least = Infinity;
  for (let column = 0; column < width; column += STRIDE) {
    for (let row = 0; row < height; row += STRIDE) {
      if (pixels[column * height + row]) least = Math.min(least, (column - x) ** 2 + (row - y) ** 2);
    }
  }
  return Math.sqrt(least);
};

/**
 * Tracks under a point, those that are shown first, then the smallest; the nearest one if none is under it.
 * @param {Record<string, string>} masks @param {[number, number]} size @param {number[]} point from 0 to 1
 * @param {Set<number>} shown
 * @returns {number[]}
 */
export const tracksUnder = (masks, size, point, shown) => {
  const x = Math.min(size[1] - 1, point[0] * size[1]), y = Math.min(size[0] - 1, point[1] * size[0]);
  const found = Object.entries(masks).map(([track, code]) => {
    const pixels = decode(code, size);
    let area = 0;
    for (const pixel of pixels) area += pixel;
    return { track: Number(track), area, away: distance(pixels, size, x, y), shown: shown.has(Number(track)) };
  });
  const under = found.filter((each) => each.away === 0);
  if (under.length) return under.sort((a, b) => Number(b.shown) - Number(a.shown) || a.area - b.area).map((each) => each.track);
  const [nearest] = found.sort((a, b) => a.away - b.away);
  return nearest && nearest.away <= NEAR * Math.max(...size) ? [nearest.track] : [];
};

export class Pointing {
  /**
   * @param {import("./player.js").Player} player @param {import("./masks.js").Masks} masks
   * @param {import("./edits.js").Edits} edits
   * @param {{name: (track: number) => string, colour: (track: number) => number[], shown: () => Set<number>}} view
   */
  constructor(player, masks, edits, view) {
    this.player = player; this.masks = masks; this.edits = edits; this.view = view;
    /** @type {number | null} */
    this.track = null;
    this.card = find("card");
    this.listening = new AbortController();
    player.canvas.addEventListener("click", (event) => this.click(event), { signal: this.listening.signal });
    player.video.addEventListener("play", () => this.close(), { signal: this.listening.signal });
    player.video.addEventListener("seeking", () => this.close(), { signal: this.listening.signal });
    document.addEventListener("keydown", (event) => { if (event.key === "Escape" && this.track !== null) { this.close(); find("play").focus(); } }, { signal: this.listening.signal });
  }

  end() { this.close(); this.listening.abort(); }

  close() {
    this.card.hidden = true;
    this.track = null;
    this.player.redraw();
  }

  /** @param {MouseEvent} event */
  async click(event) {
    if (!this.player.video.paused) { this.player.toggle(); return; }
    if (this.track !== null) { this.close(); return; }
    const point = this.player.pointOf(event), shown = this.view.shown();
    const all = await this.masks.keyMasks(this.player.time);
    const exact = this.masks.at(this.player.time) ?? {};
    const found = tracksUnder({ ...all, ...exact }, this.masks.size, point, shown);
    if (!found.length) { this.say(point, "Nothing was found here. Click nearer to the middle of the thing."); return; }
    this.offer(found, 0, point);
  }

  /** @param {number[]} point @param {string} line */
  say(point, line) {
    this.card.replaceChildren(create("p", { textContent: line }));
    this.put(point);
    this.track = -1;
  }

  /** @param {number[]} tracks @param {number} at @param {number[]} point */
  offer(tracks, at, point) {
    const track = tracks[at], name = this.view.name(track), { edits, masks } = this;
    const sounds = this.view.shown().has(track);
    const dot = create("span", { class: "dot" });
    dot.style.background = hex(this.view.colour(track));
    const act = (/** @type {() => void} */ what) => () => { what(); this.close(); };
    const main = sounds
      ? create("button", { type: "button", class: "main", textContent: "Drop it", title: "This does not sound: do not show it" })
      : create("button", { type: "button", class: "main", textContent: "Add it", title: "This sounds, whenever the audio is active" });
    main.addEventListener("click", act(() => (sounds ? edits.dropTrack(track) : edits.addTrack(track, masks.likely.has(track)))));
    const only = create("button", { type: "button", textContent: "Show only this" });
    only.addEventListener("click", act(() => edits.set("solo", [track])));
    this.card.replaceChildren(create("p", {}, dot, `${name}`, create("span", { class: "soft", textContent: `track ${track}` })), main, ...(sounds ? [only] : []));
    if (tracks.length > 1) {
      const other = create("button", { type: "button", textContent: `Another thing here (${at + 1} of ${tracks.length})` });
      other.addEventListener("click", () => this.offer(tracks, (at + 1) % tracks.length, point));
      this.card.append(other);
    }
    this.track = track;
    this.put(point);
    main.focus();
    this.player.redraw();
  }

  /** @param {number[]} point */
  put([x, y]) {
    this.card.hidden = false;
    const box = find("frame").getBoundingClientRect(), { offsetWidth: wide, offsetHeight: high } = this.card;
    this.card.style.left = `${Math.max(4, Math.min(x * box.width + 14, box.width - wide - 4))}px`;
    this.card.style.top = `${Math.max(4, Math.min(y * box.height + 14, box.height - high - 4))}px`;
  }
}
