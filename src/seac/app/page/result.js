// @ts-check
/** A result: player, lanes and decision of one job, joined. */

import { address, post, request } from "./api.js";
import { decide, tracksAt } from "./decide.js";
import { create, find, hex, later } from "./dom.js";
import { Edits } from "./edits.js";
import { Lanes } from "./lanes.js";
import { Masks } from "./masks.js";
import { Pointing } from "./point.js";

const SAVED_AFTER = 500; // milliseconds without an edit

export class ResultView {
  /**
   * @param {string} job @param {import("./decide.js").Result} result @param {import("./player.js").Player} player
   * @param {{fail: (line: string) => void, say: (line: string) => void}} on
   */
  constructor(job, result, player, on) {
    this.job = job; this.result = result; this.player = player; this.on = on;
    this.tracks = new Map(result.tracks.map((track) => [track.id, track]));
    /** @type {Pick<import("./decide.js").Result, "names" | "off_screen" | "found">} what the server decided */
    this.decided = result;
    this.edits = new Edits(result.decision, () => this.update());
    this.masks = new Masks(job, result, () => !player.video.paused, () => { player.redraw(); if (this.masks.failed) on.fail(this.masks.failed); });
    this.lanes = new Lanes(result, this.edits, player, (id) => this.nameOf(id), (id) => this.colourOf(id));
    this.shownNow = "";
    this.listening = new AbortController();
    this.pointing = new Pointing(player, this.masks, this.edits, { name: (id) => this.nameOf(id), colour: (id) => this.colourOf(id), shown: () => this.shownAt(player.time) });
    this.words = JSON.stringify([this.edits.now.vocabulary, this.edits.now.find]);
    this.sent = JSON.stringify(this.edits.now);
    this.save = later(() => { this.send().catch((error) => on.fail(error.message)); }, SAVED_AFTER);
    this.listen();
    player.scene = (seconds) => this.scene(seconds);
    this.update();
  }

  close() {
    if (this.save.waits()) this.save.now();
    this.masks.close();
    this.pointing.end();
    this.lanes.close();
    this.listening.abort();
    this.player.close();
  }

  /** @param {number} id */
  nameOf(id) { return this.edits.now.rename[id] ?? this.decided.names[id] ?? this.tracks.get(id)?.names[0] ?? "sound"; }

  /** @param {number} id @returns {number[]} */
  colourOf(id) { return this.edits.now.colours[id] ?? this.tracks.get(id)?.colour ?? [128, 128, 128]; }

  /** @param {number} seconds */
  shownAt(seconds) { return new Set(tracksAt(this.result, this.shown, seconds).map((track) => track.id)); }

  listen() {
    const { signal } = this.listening, { edits } = this;
    const on = (/** @type {string} */ id, /** @type {string} */ name, /** @type {(event: Event) => void} */ act) => find(id).addEventListener(name, act, { signal });
    on("threshold", "input", () => edits.set("threshold", Number(find("threshold").value)));
    on("duration", "input", () => edits.set("min_duration", Number(find("duration").value)));
    on("undo", "click", () => edits.undo());
    on("redo", "click", () => edits.redo());
    on("reset", "click", () => edits.reset());
    on("find-form", "submit", (event) => { event.preventDefault(); edits.set("find", find("find").value.trim() || null); });
    on("vocabulary-form", "submit", (event) => {
      event.preventDefault();
      const words = find("vocabulary").value.split(",").map((/** @type {string} */ word) => word.trim()).filter(Boolean);
      edits.set("vocabulary", words.length ? words : null);
    });
    this.fillWords();
  }

  fillWords() {
    find("find").value = this.edits.now.find ?? "";
    find("vocabulary").value = (this.edits.now.vocabulary ?? []).join(", ");
  }

  /** Decide here, at once, and tell the server a moment later, so that exports show the same. */
  update() {
    const { edits, result } = this, decision = edits.now;
    /** @type {import("./decide.js").Shown[]} */
    this.shown = decide(result, decision, decision.find === null ? null : this.decided.found);
    const threshold = decision.threshold ?? result.threshold;
    find("threshold").value = String(threshold);
    find("threshold-value").textContent = `${Math.round(100 * threshold)} %`;
    find("duration").value = String(decision.min_duration);
    find("duration-value").textContent = `${decision.min_duration.toFixed(1)} s`;
    find("undo").disabled = !edits.past.length;
    find("redo").disabled = !edits.future.length;
    this.lanes.update(this.shown, this.decided.off_screen);
    this.masks.setAdded(decision.add);
    this.shownNow = "";
    this.player.redraw();
    const words = JSON.stringify([decision.vocabulary, decision.find]);
    if (words !== this.words) { this.words = words; this.fillWords(); this.on.say("encoding the words ..."); this.save.now(); } else if (JSON.stringify(decision) !== this.sent) this.save();
  }

  async send() {
    const decision = this.edits.now, text = JSON.stringify(decision);
    if (text === this.sent) return;
    this.sent = text;
    try {
      const { colours, ...rest } = decision;
      this.decided = await post(`/jobs/${this.job}/decide`, { ...rest, colour: colours });
    } catch (error) {
      if (JSON.stringify(this.edits.now) === text && this.edits.past.length) this.edits.undo(); // what the server refuses is not shown
      throw error;
    }
    if (this.edits.now === decision) { this.on.say(""); this.update(); }
  }

  async flush() {
    if (this.save.waits()) { this.save.now(); }
    if (JSON.stringify(this.edits.now) !== this.sent) await this.send();
  }

  /** What is drawn at a time. @param {number} seconds */
  scene(seconds) {
    const masks = this.masks.at(seconds), sounding = tracksAt(this.result, this.shown, seconds), { near } = this.lanes;
    const pointed = this.pointing.track;
    const mark = (/** @type {number} */ id, dashed = false) => ({ id, name: this.nameOf(id), colour: this.colourOf(id), dashed, strong: id === near || id === pointed });
    const marks = sounding.map((track) => mark(track.id));
    let drawn = masks;
    for (const id of [near, pointed]) {
      if (id === null || id < 0 || marks.some((each) => each.id === id)) continue;
      const key = this.masks.keys.get(this.masks.nearest(seconds));
      if (key && !drawn?.[id]) drawn = { ...drawn, [id]: key[id] };
      marks.push(mark(id, true));
    }
    find("loading").hidden = masks !== null && (this.masks.isExact(seconds) || !sounding.length);
    this.listNow(sounding.map((track) => track.id), seconds);
    return { marks, masks: drawn, size: this.masks.size };
  }

  /** @param {number[]} sounding @param {number} seconds */
  listNow(sounding, seconds) {
    const step = Math.floor((seconds + 1e-6) / this.result.step);
    const caption = this.result.audio.captions[step] ?? "";
    const key = JSON.stringify([sounding, caption]);
    if (key === this.shownNow) return;
    this.shownNow = key;
    this.lanes.mark(new Set(sounding));
    find("now").replaceChildren(...sounding.map((id) => {
      const dot = create("span", { class: "dot" });
      dot.style.background = hex(this.colourOf(id));
      const button = create("button", { type: "button", title: "Go to its lane" }, dot, this.nameOf(id));
      button.addEventListener("click", () => this.lanes.reveal(id));
      return create("li", {}, button);
    }), create("li", { class: "soft", textContent: caption }));
  }

  /** Tracks that a key acts on: that of the lane with the focus or pointer, else what sounds now. */
  chosen() { return this.lanes.near !== null ? [this.lanes.near] : [...this.shownAt(this.player.time)]; }

  /** @returns {import("./keyboard.js").Actions} */
  actions() {
    const { player, edits } = this;
    const times = this.shown.flatMap((track) => track.spans.map((span) => span[0])).sort((a, b) => a - b);
    return {
      play: () => player.toggle(),
      move: (seconds) => player.seek(player.time + seconds),
      jump: (where) => {
        const found = { start: 0, end: player.duration, next: times.find((time) => time > player.time + 0.01), before: times.filter((time) => time < player.time - 0.01).pop() }[where];
        if (found !== undefined) player.seek(found);
      },
      toggle: (field) => {
        const chosen = this.chosen(), now = edits.now[field], all = chosen.every((id) => now.includes(id));
        if (chosen.length) edits.set(field, all ? now.filter((id) => !chosen.includes(id)) : [...new Set([...now, ...chosen])].sort((a, b) => a - b));
        else if (now.length) edits.set(field, []);
      },
      undo: () => edits.undo(),
      redo: () => edits.redo(),
    };
  }
}

/**
 * Open the result of a job.
 * @param {any} job @param {import("./player.js").Player} player @param {{fail: (line: string) => void, say: (line: string) => void}} on
 */
export const openResult = async (job, player, on) => {
  const [shown, evidence] = await Promise.all([request(`/jobs/${job.id}/result`), request(`/jobs/${job.id}/evidence`)]);
  find("work").hidden = false;
  const result = { ...shown, ...evidence }, view = new ResultView(job.id, result, player, on);
  const source = address(`/jobs/${job.id}/source`);
  if (result.video.still) player.open(address(`/app/jobs/${job.id}/audio`), result, source);
  else player.open(source, result);
  return view;
};
