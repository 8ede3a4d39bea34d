// @ts-check
/** Lanes of tracks under the video: spans, probability, name, mute, solo and colour of each. */

import { clamp, clock, create, find, hex, rgb, vector } from "./dom.js";

const TICKS = [.1, .2, .5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600], MAX_ZOOM = 256, FLOOR = -80, MAX_LANES = 60, POINTS = 4000;

/** @typedef {import("./decide.js").Result} Result @typedef {import("./decide.js").Shown} Shown */

export class Lanes {
  /**
   * @param {Result} result @param {import("./edits.js").Edits} edits @param {import("./player.js").Player} player
   * @param {(track: number) => string} nameOf @param {(track: number) => number[]} colourOf
   */
  constructor(result, edits, player, nameOf, colourOf) {
    this.result = result; this.edits = edits; this.player = player; this.nameOf = nameOf; this.colourOf = colourOf;
    this.duration = Math.max(result.video.duration, result.audio.level.length * result.step) || 1;
    /** @type {number | null} */
    this.near = null;
    this.zoom = 1;
    /** @type {Map<number, any>} */
    this.rows = new Map();
    this.curves = this.probabilities();
    this.block = find("lanes");
    for (const old of this.block.querySelectorAll(".row:not(.head), .over, .none")) old.remove();
    this.head = create("div", { class: "playhead" });
    this.over = create("div", { class: "over" }, this.head);
    this.block.append(this.over);
    this.listening = new AbortController();
    for (const id of ["axis", "level"]) this.follow(find(id));
    const on = (/** @type {string} */ id, /** @type {() => void} */ act) => find(id).addEventListener("click", act, { signal: this.listening.signal });
    on("wide", () => this.setZoom(this.zoom * 2));
    on("narrow", () => this.setZoom(this.zoom / 2));
    this.watch = new ResizeObserver(() => { find("scroll").style.setProperty("--seen", `${find("scroll").clientWidth}px`); this.drawAxis(); });
    this.watch.observe(this.block);
    this.setZoom(1);
    this.drawLevel();
  }

  close() { this.listening.abort(); this.watch.disconnect(); }

  /** Points [step, probability] of each track. */
  probabilities() {
    /** @type {Map<number, [number, number][]>} */
    const found = new Map();
    const { steps, key_frames } = this.result;
    steps.key_frame.forEach((position, step) => {
      if (position < 0) return;
      steps.probability[step].forEach((value, row) => {
        const track = key_frames.tracks[position][row], points = found.get(track) ?? [];
        points.push([step, steps.active[step] ? value : 0]);
        found.set(track, points);
      });
    });
    return found;
  }

  /** @param {HTMLElement} element @param {number} start @param {number} [stop] */
  place(element, start, stop) {
    element.style.left = `${100 * start / this.duration}%`;
    if (stop !== undefined) element.style.width = `${100 * (stop - start) / this.duration}%`;
    return element;
  }

  /** A click or drag in an element seeks. @param {HTMLElement} element */
  follow(element) {
    const signal = this.listening.signal;
    const seconds = (/** @type {PointerEvent} */ event) => {
      const box = element.getBoundingClientRect();
      return clamp((event.clientX - box.left) / box.width, 0, 1) * this.duration;
    };
    element.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      element.setPointerCapture(event.pointerId);
      this.player.seek(seconds(event));
    }, { signal });
    element.addEventListener("pointermove", (event) => {
      if (element.hasPointerCapture(event.pointerId)) this.player.seek(seconds(event));
      element.title = clock(seconds(event));
    }, { signal });
  }

  /** @param {Shown[]} shown @param {import("./decide.js").OffScreen[]} offScreen */
  update(shown, offScreen) {
    const { mute, solo, add } = this.edits.now, spans = new Map(shown.map((track) => [track.id, track.spans]));
    const listed = [...shown.map((track) => track.id), ...mute.filter((id) => !spans.has(id)), ...solo.filter((id) => !spans.has(id) && !mute.includes(id))];
    const order = [...new Set(listed)].slice(0, MAX_LANES);
    for (const [id, row] of this.rows) if (!order.includes(id)) { row.element.remove(); this.rows.delete(id); }
    for (const old of this.block.querySelectorAll(".row.other, .none")) old.remove();
    for (const id of order) {
      const row = this.rows.get(id) ?? this.create(id);
      this.fill(row, id, spans.get(id) ?? []);
      row.element.classList.toggle("off", mute.includes(id) || (solo.length > 0 && !solo.includes(id)));
      row.mute.setAttribute("aria-pressed", String(mute.includes(id)));
      row.solo.setAttribute("aria-pressed", String(solo.includes(id)));
      row.element.classList.toggle("added", add.includes(id));
      this.arrange(row.element, order.indexOf(id));
    }
    for (const each of this.others(offScreen)) this.block.insertBefore(each, this.over);
    if (!order.length) this.block.insertBefore(create("p", { class: "none soft", textContent: "Nothing sounds at this threshold. Lower it, or pause and click on what you hear." }), this.over);
    const more = shown.length - order.filter((id) => spans.has(id)).length;
    find("count").textContent = `${shown.length}${more > 0 ? `, ${order.length} of them listed` : ""}`;
  }

  /** Mark the lanes of tracks that sound now. @param {Set<number>} sounding */
  mark(sounding) { for (const [id, row] of this.rows) row.element.classList.toggle("on", sounding.has(id)); }

  /** Scroll to the lane of a track. @param {number} id */
  reveal(id) {
    const row = this.rows.get(id);
    if (!row) return;
    find("scroll").scrollTop = row.element.offsetTop - find("scroll").clientHeight / 3;
    row.text.focus({ preventScroll: true });
  }

  /** Put a lane at its place, without moving those that are there: the focus stays. @param {HTMLElement} element @param {number} place */
  arrange(element, place) {
    const there = this.block.querySelectorAll(".row:not(.head)")[place];
    if (there !== element) this.block.insertBefore(element, there ?? this.over);
  }

  /** @param {number} id */
  create(id) {
    const { edits } = this;
    const swatch = create("input", { type: "color", class: "swatch" }), text = create("input", { type: "text", maxLength: 80, autocomplete: "off", spellcheck: false });
    const mute = create("button", { type: "button", class: "mute", textContent: "M", title: "Mute: do not show this track" });
    const solo = create("button", { type: "button", class: "solo", textContent: "S", title: "Solo: show only this track" });
    const strip = create("div", { class: "lane", role: "img" });
    const element = create("div", { class: "row" }, create("div", { class: "name" }, swatch, text, mute, solo), strip);
    element.dataset.track = String(id);
    swatch.addEventListener("input", () => edits.paint(id, rgb(swatch.value)));
    text.addEventListener("change", () => edits.rename(id, text.value.trim().replace(/\s+/g, " ")));
    text.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => { if (event.key === "Enter") text.blur(); if (event.key === "Escape") { text.value = this.nameOf(id); text.blur(); } });
    mute.addEventListener("click", () => edits.toggle("mute", id));
    solo.addEventListener("click", () => edits.toggle("solo", id));
    const enter = (/** @type {number | null} */ track) => { this.near = track; for (const [other, row] of this.rows) row.element.classList.toggle("near", other === track); this.player.redraw(); };
    element.addEventListener("pointerenter", () => enter(id));
    element.addEventListener("pointerleave", () => enter(null));
    element.addEventListener("focusin", () => enter(id));
    element.addEventListener("focusout", () => enter(null));
    this.follow(strip);
    const row = { element, swatch, text, mute, solo, strip, seen: "" };
    this.rows.set(id, row);
    return row;
  }

  /** @param {any} row @param {number} id @param {[number, number, number][]} spans */
  fill(row, id, spans) {
    const name = this.nameOf(id), colour = hex(this.colourOf(id)), threshold = this.edits.now.threshold ?? this.result.threshold;
    const seen = JSON.stringify([name, colour, spans, threshold]);
    if (row.seen === seen) return;
    row.seen = seen;
    if (document.activeElement !== row.text) row.text.value = name;
    row.swatch.value = colour;
    row.text.setAttribute("aria-label", `Name of track ${id}`);
    row.text.title = `${name}, track ${id}`;
    row.swatch.setAttribute("aria-label", `Colour of ${name}, track ${id}`);
    row.mute.setAttribute("aria-label", `Mute ${name}, track ${id}`);
    row.solo.setAttribute("aria-label", `Solo ${name}, track ${id}`);
    const total = spans.reduce((sum, span) => sum + span[1] - span[0], 0);
    const when = spans.slice(0, 5).map((span) => `${clock(span[0])} to ${clock(span[1])}`).join(", ");
    row.strip.setAttribute("aria-label", spans.length ? `${name}: sounds ${clock(total)} seconds, ${when}${spans.length > 5 ? ", and later" : ""}` : `${name}: not shown`);
    const line = create("div", { class: "at" });
    line.style.top = `${100 * (1 - threshold)}%`;
    row.strip.replaceChildren(this.curve(this.curves.get(id) ?? [], colour), line, ...spans.map(([start, stop, probability]) => {
      const bar = this.place(create("div", { class: "span", title: `${clock(start)} to ${clock(stop)}, ${Math.round(100 * probability)} %` }), start, stop);
      bar.style.backgroundColor = colour;
      return bar;
    }));
  }

  /** The probability over time. @param {[number, number][]} points @param {string} colour */
  curve(points, colour) {
    let path = "", last = -2;
    for (const [step, value] of points) {
      const y = (1 - value).toFixed(2);
      path += step === last + 1 ? `V${y}H${step + 1}` : `${path ? "V1Z" : ""}M${step} 1V${y}H${step + 1}`;
      last = step;
    }
    const image = vector("svg", { viewBox: `0 0 ${this.duration / this.result.step} 1`, preserveAspectRatio: "none", "aria-hidden": "true" });
    image.style.color = colour;
    if (path) image.append(vector("path", { d: `${path}V1Z` }));
    return image;
  }

  /** Lanes of audio without a visible source. @param {import("./decide.js").OffScreen[]} offScreen */
  others(offScreen) {
    const names = [...new Set(offScreen.map((each) => each.name))];
    return names.map((name) => {
      const strip = create("div", { class: "lane", role: "img", "aria-label": `${name}, off-screen` });
      for (const { name: other, start, stop } of offScreen) if (other === name) strip.append(this.place(create("div", { class: "span off-screen", title: `${clock(start)} to ${clock(stop)}` }), start, stop));
      this.follow(strip);
      return create("div", { class: "row other" }, create("div", { class: "name" }, create("span", { class: "dot off-screen" }), create("span", { class: "text soft", textContent: `${name} (off-screen)`, title: name })), strip);
    });
  }

  drawLevel() {
    const { level } = this.result.audio, pooled = Math.max(1, Math.ceil(level.length / POINTS));
    let path = "M0 80";
    for (let i = 0; i < level.length; i += pooled) path += `V${-clamp(Math.max(...level.slice(i, i + pooled)), FLOOR, 0)}H${Math.min(level.length, i + pooled)}`;
    const image = vector("svg", { viewBox: `0 0 ${this.duration / this.result.step} ${-FLOOR}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    image.append(vector("path", { d: `${path}V80Z` }));
    find("level").replaceChildren(image, ...this.result.cuts.map((cut) => this.place(create("div", { class: "cut", title: `new shot at ${clock(cut)}` }), cut)));
  }

  drawAxis() {
    const axis = find("axis"), pixels = axis.getBoundingClientRect().width || 1;
    const step = TICKS.find((tick) => tick * pixels / this.duration >= 60) ?? TICKS[TICKS.length - 1], marks = [];
    for (let i = 0; i * step < this.duration; i++) marks.push(this.place(create("span", { textContent: clock(i * step, step < 1 ? 1 : 0) }), i * step));
    axis.replaceChildren(...marks);
    axis.setAttribute("aria-valuemax", this.duration.toFixed(1));
  }

  /** @param {number} zoom */
  setZoom(zoom) {
    const scroll = find("scroll"), label = this.over.offsetLeft, share = this.player.time / this.duration;
    const before = share * this.over.offsetWidth - scroll.scrollLeft;
    this.zoom = clamp(zoom, 1, MAX_ZOOM);
    this.block.style.width = `calc(${label}px + ${this.zoom} * (100% - ${label}px))`;
    scroll.scrollLeft = share * this.over.offsetWidth - before;
    this.drawAxis();
  }

  /** @param {number} seconds */
  show(seconds) {
    this.place(this.head, clamp(seconds, 0, this.duration));
    const axis = find("axis");
    axis.setAttribute("aria-valuenow", seconds.toFixed(1));
    axis.setAttribute("aria-valuetext", `${clock(seconds)} of ${clock(this.duration)}`);
    if (this.zoom === 1 || this.player.video.paused) return;
    const scroll = find("scroll"), at = seconds / this.duration * this.over.offsetWidth, seen = scroll.clientWidth - this.over.offsetLeft;
    if (at < scroll.scrollLeft || at > scroll.scrollLeft + seen) scroll.scrollLeft = at - seen / 4;
  }
}
