// @ts-check
/** The page: start, progress and result, one at a time; the address names the job. */

import { address, post, remove, request } from "./api.js";
import { create, find, size } from "./dom.js";
import { exportMenu } from "./export.js";
import { Busy, list } from "./jobs.js";
import { listen } from "./keyboard.js";
import { Player } from "./player.js";
import { openResult } from "./result.js";
import { start } from "./upload.js";

const SEEN_EVERY = 20_000; // milliseconds: clips that no page has named for minutes are deleted
const VISIT = "seac visit"; // ids of the clips of this tab

/** @type {import("./result.js").ResultView | null} */
let view = null;
/** @type {Busy | null} */
let busy = null;
let opening = 0;

/** @param {string} line */
const fail = (line) => {
  find("error").hidden = !line;
  find("error").querySelector("span").textContent = line;
  if (line) find("status").textContent = "";
};

/** @param {string} line */
const say = (line) => { find("status").textContent = line; };

const player = new Player(() => view?.lanes.show(player.time));

const leave = () => {
  view?.close();
  busy?.close();
  view = busy = null;
  for (const id of ["start", "busy", "work", "tools"]) find(id).hidden = true;
  find("clip").textContent = "";
};

/** Clips of this tab. @returns {string[]} */
const visited = () => { try { return JSON.parse(sessionStorage.getItem(VISIT) ?? "[]"); } catch { return []; } };

/** @param {string[]} jobs */
const visit = (jobs) => sessionStorage.setItem(VISIT, JSON.stringify([...new Set([...visited(), ...jobs])].slice(-50)));

/** Clips of this visit, and those of others where the server lists them. */
const clips = async () => {
  const listed = await request("/jobs").then((found) => found.jobs, () => []);
  const own = await Promise.all(visited().filter((id) => !listed.some((/** @type {any} */ job) => job.id === id)).map((id) => request(`/jobs/${id}`).catch(() => null)));
  const found = [...own.filter(Boolean), ...listed];
  visit(found.map((job) => job.id));
  return found;
};

const showStart = async () => {
  leave();
  find("start").hidden = false;
  document.title = "seac: the pixels of what you hear";
  try {
    const jobs = await clips();
    list(jobs, { open: (job) => { location.hash = job.id; }, drop: async (job) => { await remove(`/jobs/${job.id}`).catch((error) => fail(error.message)); showStart(); } });
  } catch (error) {
    fail(/** @type {Error} */ (error).message);
  }
};

/** @param {any} job */
const showBusy = (job) => {
  leave();
  find("busy").hidden = false;
  find("clip").textContent = job.name ?? "";
  busy = new Busy(job, { done: showResult, fail, gone: () => { location.hash = ""; } });
};

/** @param {any} job */
const showResult = async (job) => {
  leave();
  const turn = opening;
  find("clip").textContent = job.name ?? "";
  document.title = `${job.name ?? "clip"}: who sounds when`;
  try {
    view = await openResult(job, player, { fail, say });
    if (turn !== opening) { view.close(); return; }
    find("tools").hidden = false;
    showFolder(job);
  } catch (error) {
    fail(/** @type {Error} */ (error).message);
  }
};

/** @param {any} job */
const showFolder = async (job) => {
  const about = await request(`/app/jobs/${job.id}`).catch(() => ({}));
  find("keep").hidden = !("kept" in about) || about.kept === "opened";
  find("keep").disabled = about.kept === true;
  find("keep").textContent = about.kept ? "Kept" : "Keep";
  find("folder").replaceChildren(create("a", { href: address(`/app/jobs/${job.id}/result.zip`), textContent: "Result folder" }), " as a zip file", ...(about.folder ? [`; it is ${about.folder}`] : []));
};

/** Show what the address names. */
const route = async () => {
  const id = location.hash.slice(1), turn = ++opening;
  fail("");
  if (!id) { await showStart(); return; }
  try {
    const job = await request(`/jobs/${encodeURIComponent(id)}`);
    if (turn !== opening) return;
    if (job.state === "done") await showResult(job);
    else if (job.state === "queued" || job.state === "running") showBusy(job);
    else { await showStart(); fail(job.error ?? "this clip was cancelled"); }
  } catch (error) {
    await showStart();
    fail(/** @type {{status?: number}} */ (error).status === 404 ? "this clip is no longer there: clips are deleted after the visit" : /** @type {Error} */ (error).message);
  }
};

/** @param {string} name @param {number | null} share null if nothing is sent any more */
const showSending = (name, share) => {
  if (share === null) { showStart(); return; }
  if (find("busy").hidden) { leave(); fail(""); find("busy").hidden = false; find("cancel").hidden = true; find("preview").hidden = true; find("waiting").hidden = false; }
  find("clip").textContent = name;
  find("stage").textContent = "Sending the clip";
  find("rate").textContent = `${Math.round(100 * share)} %`;
  find("bar").value = share;
};

const begin = async () => {
  find("error").querySelector("button").addEventListener("click", () => fail(""));
  listen(() => view?.actions() ?? null);
  window.addEventListener("hashchange", route);
  find("home").addEventListener("click", (/** @type {Event} */ event) => { event.preventDefault(); location.hash = ""; });
  find("keep").addEventListener("click", async () => {
    if (!view) return;
    try { await post(`/app/jobs/${view.job}/keep`); await showFolder({ id: view.job }); say("kept"); } catch (error) { fail(/** @type {Error} */ (error).message); }
  });
  try {
    const about = await request("/app");
    const { bytes, seconds } = about.limits ?? {};
    find("limits").textContent = bytes ? `or choose one: up to ${Math.round(seconds / 60)} minutes and ${size(bytes)}` : "or choose one";
    find("example").hidden = !about.example;
    start(about.limits ?? {}, { began: (job) => { visit([job.id]); location.hash = job.id; }, sending: showSending, fail });
    await exportMenu(() => (view ? { job: view.job, flush: () => /** @type {any} */ (view).flush() } : null));
    setInterval(() => { post("/app/seen", { jobs: visited() }).catch(() => {}); }, SEEN_EVERY);
    if (about.opened && !location.hash) { history.replaceState(null, "", `#${about.opened}`); }
  } catch (error) {
    fail(/** @type {Error} */ (error).message);
  }
  await route();
};

begin();
