// @ts-check
/** A job on its way: progress, preview and queue; and the list of clips. */

import { address, post, request } from "./api.js";
import { clock, create, find } from "./dom.js";

const EVERY = 500; // milliseconds between two requests where events do not come
const STAGES = { queued: "Waiting", segment: "Listening and looking", write: "Writing the result" };

/** @param {any} job */
export const describe = (job) => {
  const { state, progress = {} } = job;
  if (state === "queued") {
    const before = job.before ?? 0;
    return before ? `${before} ${before === 1 ? "clip is" : "clips are"} before this one` : "starts in a moment";
  }
  const rate = progress.frames_per_second, parts = [];
  if (progress.done && progress.total) parts.push(progress.stage === "write" ? `${progress.done} of ${progress.total} frames` : `${clock(progress.done)} of ${clock(progress.total)} s`);
  if (rate >= 0.05) parts.push(`${rate.toFixed(1)} frames per second`);
  return parts.join(", ") || "loading the networks";
};

export class Busy {
  /** @param {any} job @param {{done: (job: any) => void, fail: (line: string) => void, gone: () => void}} on */
  constructor(job, on) {
    this.job = job; this.on = on;
    this.ended = false;
    this.frames = 0;
    find("preview").hidden = true;
    find("cancel").hidden = false;
    find("waiting").hidden = false;
    this.show(job);
    this.listening = new AbortController();
    find("cancel").addEventListener("click", () => this.cancel(), { signal: this.listening.signal });
    this.events = new EventSource(address(`/jobs/${job.id}/events`));
    for (const name of ["state", "progress", "frame"]) this.events.addEventListener(name, (event) => { if (name === "frame") this.preview(); this.ask(event); });
    this.timer = window.setInterval(() => this.ask(), 4 * EVERY);
    this.ask();
  }

  close() {
    this.ended = true;
    this.events.close();
    this.listening.abort();
    clearInterval(this.timer);
  }

  /** The newest state of the job. @param {Event} [event] */
  async ask(event) {
    if (this.ended || (this.asking && event)) return;
    this.asking = true;
    try {
      const job = await request(`/jobs/${this.job.id}`);
      if (job.state === "queued") job.before = (await request(`/app/jobs/${this.job.id}`)).before;
      if (!this.ended) this.show(job);
    } catch (error) {
      if (!this.ended) { this.close(); this.on.fail(/** @type {Error} */ (error).message); this.on.gone(); }
    } finally {
      setTimeout(() => { this.asking = false; }, EVERY / 2);
    }
  }

  preview() {
    const next = new Image();
    next.onload = () => {
      if (this.ended) return;
      find("preview").src = next.src;
      find("preview").hidden = false;
      find("waiting").hidden = true;
    };
    this.frames += 1;
    next.src = address(`/jobs/${this.job.id}/preview.jpg?${this.frames}`);
  }

  /** @param {any} job */
  show(job) {
    const { state, progress = {} } = job, bar = find("bar");
    find("stage").textContent = STAGES[/** @type {keyof typeof STAGES} */ (state === "running" ? progress.stage : state)] ?? "Listening and looking";
    find("rate").textContent = describe(job);
    if (progress.total) bar.value = Math.min(1, progress.done / progress.total); else bar.removeAttribute("value");
    if (state === "running" && progress.key_frames && find("preview").hidden) this.preview();
    if (state === "done") { this.close(); this.on.done(job); }
    if (state === "failed" || state === "cancelled") { this.close(); this.on.fail(job.error ?? "the clip was cancelled"); this.on.gone(); }
  }

  async cancel() {
    this.close();
    try { await post(`/jobs/${this.job.id}/cancel`); } catch (error) { this.on.fail(/** @type {Error} */ (error).message); }
    this.on.gone();
  }
}

const SHOWN = /** @type {Record<string, string>} */ ({ queued: "waiting", running: "running", done: "", failed: "failed", cancelled: "cancelled" });

/** @param {any[]} jobs @param {{open: (job: any) => void, drop: (job: any) => void}} on */
export const list = (jobs, on) => {
  find("visit").hidden = !jobs.length;
  find("jobs").replaceChildren(...jobs.map((job) => {
    const open = create("button", { type: "button", class: "open", textContent: job.name ?? job.id, disabled: job.state === "failed" || job.state === "cancelled" });
    const drop = create("button", { type: "button", class: "round", textContent: "×", "aria-label": `Delete ${job.name ?? job.id}`, title: "Delete" });
    open.addEventListener("click", () => on.open(job));
    drop.addEventListener("click", () => on.drop(job));
    return create("li", {}, open, create("span", { class: "soft", textContent: job.state === "done" && job.expires === null ? "kept" : SHOWN[job.state] ?? job.state }), drop);
  }));
};
