// @ts-check
/** The video and the canvas over it, on which the masks of the frame are drawn that is shown. */

import { clamp, clock, find, hex } from "./dom.js";
import { Outlines } from "./outline.js";

/**
 * @typedef {object} Mark a track to draw
 * @property {number} id
 * @property {string} name
 * @property {number[]} colour
 * @property {boolean} [dashed] it does not sound now, but is pointed at
 * @property {boolean} [strong]
 */

const MAX_PIXELS = 2e6;

export class Player {
  /** @param {() => void} moved is called when the time has changed */
  constructor(moved) {
    this.moved = moved;
    /** @type {HTMLVideoElement} */
    this.video = find("video");
    /** @type {HTMLCanvasElement} */
    this.canvas = find("overlay");
    this.pen = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d"));
    this.outlines = new Outlines();
    this.duration = 0;
    this.time = 0;
    /** @type {number | null} */
    this.target = null;
    this.dirty = false;
    /** @type {(seconds: number) => {marks: Mark[], masks: Record<string, string> | null, size: [number, number]}} */
    this.scene = () => ({ marks: [], masks: null, size: [1, 1] });
    const { video } = this;
    for (const name of ["play", "pause", "ended"]) video.addEventListener(name, () => { find("play").textContent = video.paused ? "Play" : "Pause"; this.redraw(); });
    video.addEventListener("seeked", () => { this.target = null; this.show(video.currentTime); });
    video.addEventListener("timeupdate", () => { if (this.target === null) this.show(video.currentTime); });
    video.addEventListener("loadeddata", () => this.redraw());
    if (typeof video.requestVideoFrameCallback === "function") {
      const each = (/** @type {number} */ _now, /** @type {{mediaTime: number}} */ frame) => {
        if (this.target === null && !video.paused) this.show(frame.mediaTime);
        video.requestVideoFrameCallback(each);
      };
      video.requestVideoFrameCallback(each);
    } else {
      const each = () => { if (!video.paused) this.show(video.currentTime); requestAnimationFrame(each); };
      requestAnimationFrame(each);
    }
    find("play").addEventListener("click", () => this.toggle());
    find("audio").addEventListener("click", () => this.mute());
    find("look").addEventListener("change", () => this.redraw());
    new ResizeObserver(() => this.redraw()).observe(find("frame"));
  }

  /** @param {string} source @param {import("./decide.js").Result} result @param {string} poster shown with a still image */
  open(source, result, poster = "") {
    const { width, height, duration } = result.video, frame = find("frame");
    this.duration = Math.max(duration, result.audio.level.length * result.step);
    this.time = 0;
    this.target = null;
    frame.style.aspectRatio = `${width} / ${height}`;
    frame.style.maxWidth = `calc(60vh * ${width / height})`;
    this.video.poster = poster;
    this.video.src = source;
    this.redraw();
  }

  close() {
    this.scene = () => ({ marks: [], masks: null, size: [1, 1] });
    this.video.pause();
    this.video.removeAttribute("src");
    this.video.load();
  }

  /** @param {number} seconds */
  show(seconds) {
    this.time = seconds;
    this.redraw();
  }

  /** @param {number} seconds */
  seek(seconds) {
    this.time = this.target = clamp(seconds, 0, this.duration);
    if (this.video.readyState) this.video.currentTime = Math.min(this.time, this.video.duration || this.duration);
    else this.target = null;
    this.redraw();
  }

  toggle() {
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
  }

  mute() {
    this.video.muted = !this.video.muted;
    find("audio").setAttribute("aria-pressed", String(!this.video.muted));
  }

  /** Draw with the next frame of the screen, once. */
  redraw() {
    if (this.dirty) return;
    this.dirty = true;
    requestAnimationFrame(() => { this.dirty = false; this.draw(); this.moved(); });
  }

  draw() {
    const { canvas, pen } = this, box = canvas.getBoundingClientRect();
    const scale = Math.min(window.devicePixelRatio || 1, Math.sqrt(MAX_PIXELS / Math.max(1, box.width * box.height)));
    const width = Math.round(box.width * scale), height = Math.round(box.height * scale);
    if (canvas.width !== width || canvas.height !== height) { canvas.width = width; canvas.height = height; }
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, width, height);
    find("clock").textContent = `${clock(this.time)} / ${clock(this.duration)}`;
    const { marks, masks, size } = this.scene(this.time), look = find("look").value;
    if (!masks || !width) return;
    const drawn = marks.filter((mark) => masks[mark.id]).map((mark) => ({ mark, outline: this.outlines.get(masks[mark.id], size) }));
    const [x, y] = [width / size[1], height / size[0]];
    const solid = drawn.filter(({ mark }) => !mark.dashed);
    if (look === "spotlight" && solid.length) this.darken(solid.map(({ outline }) => outline.path), [x, y], [width, height]);
    pen.lineJoin = "round";
    for (const { mark, outline } of drawn) {
      const colour = hex(mark.colour);
      pen.setTransform(x, 0, 0, y, 0, 0);
      if (look === "tint" && !mark.dashed) { pen.globalAlpha = 0.42; pen.fillStyle = colour; pen.fill(outline.path, "evenodd"); pen.globalAlpha = 1; }
      if (look === "none" && !mark.strong) continue;
      const wide = (mark.strong ? 4 : 2.2) * scale / x;
      pen.setLineDash(mark.dashed ? [4 * wide, 3 * wide] : []);
      for (const [style, line] of /** @type {[string, number][]} */ ([["rgb(0 0 0 / .55)", 2 * wide], [colour, wide]])) {
        pen.strokeStyle = style;
        pen.lineWidth = line;
        pen.stroke(outline.path);
      }
    }
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.setLineDash([]);
    if (look !== "none") this.label(drawn, [x, y], scale);
  }

  /** Darken all but the masks. @param {Path2D[]} paths @param {number[]} zoom @param {number[]} size */
  darken(paths, [x, y], [width, height]) {
    const { pen } = this;
    pen.fillStyle = "rgb(0 0 0 / .62)";
    pen.fillRect(0, 0, width, height);
    pen.setTransform(x, 0, 0, y, 0, 0);
    pen.globalCompositeOperation = "destination-out";
    pen.fillStyle = "#000";
    for (const path of paths) pen.fill(path, "evenodd");
    pen.globalCompositeOperation = "source-over";
    pen.setTransform(1, 0, 0, 1, 0, 0);
  }

  /**
   * Names above the masks, moved so that none covers another.
   * @param {{mark: Mark, outline: import("./outline.js").Outline}[]} drawn @param {number[]} zoom @param {number} scale
   */
  label(drawn, [x, y], scale) {
    const { pen, canvas } = this, size = Math.round(14 * scale), high = Math.round(size * 1.5);
    /** @type {number[][]} */
    const taken = [];
    pen.font = `600 ${size}px system-ui, sans-serif`;
    pen.textBaseline = "middle";
    for (const { mark, outline } of [...drawn].reverse()) {
      const wide = pen.measureText(mark.name).width + size;
      const left = clamp(outline.top[0] * x - wide / 2, 2, Math.max(2, canvas.width - wide - 2));
      let top = clamp(outline.top[1] * y - high - 4 * scale, 2, canvas.height - high - 2);
      for (const [l, t, w] of taken) if (left < l + w && l < left + wide && Math.abs(top - t) < high) top = t + high + 2;
      taken.push([left, top, wide]);
      pen.fillStyle = hex(mark.colour);
      pen.globalAlpha = mark.dashed ? 0.75 : 1;
      pen.beginPath();
      pen.roundRect(left, top, wide, high, 5 * scale);
      pen.fill();
      const [red, green, blue] = mark.colour;
      pen.fillStyle = 0.299 * red + 0.587 * green + 0.114 * blue > 140 ? "#111" : "#fff";
      pen.fillText(mark.name, left + size / 2, top + high / 2 + scale);
      pen.globalAlpha = 1;
    }
  }

  /** Point of the masks under a pointer: [x, y] from 0 to 1. @param {MouseEvent} event */
  pointOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }
}
