// @ts-check
/** The menu of exports: every format of `seac export`, written by the server and then downloaded. */

import { address, post, request } from "./api.js";
import { create, find } from "./dom.js";

/** Groups of formats, and what each is for. A format that is not listed here is shown with its own name. @type {[string, Record<string, string>][]} */
const GROUPS = [
  ["Watch", { overlay: "video with the masks drawn", report: "one page with player and lanes", timeline: "picture of who sounds when" }],
  ["Edit", { otio: "OpenTimelineIO markers", edl: "markers for editing programs", "alpha-webm": "cut-outs with transparency, WebM", prores: "cut-outs with transparency, ProRes", "alpha-png": "cut-outs with transparency, PNG", "mask-video": "masks as black and white video", crops: "images of each thing" }],
  ["Subtitles and events", { csv: "table of events", "events-json": "events as JSON", vtt: "WebVTT subtitles", srt: "SubRip subtitles" }],
  ["Annotate and train", { coco: "COCO, run-length masks", "coco-polygons": "COCO, polygons", ytvis: "YouTube-VIS", "label-studio": "Label Studio, video", "label-studio-images": "Label Studio, images", "cvat-video": "CVAT tracks", "cvat-masks": "CVAT masks", "yolo-seg": "YOLO segmentation", avsbench: "AVSBench masks", "avsbench-semantic": "AVSBench-Semantic masks", masks: "masks of the frames as PNG" }],
];

/** @param {string[]} formats @returns {[string, [string, string][]][]} */
export const grouped = (formats) => {
  const known = new Set(GROUPS.flatMap(([, rows]) => Object.keys(rows)));
  /** @type {[string, [string, string][]][]} */
  const found = GROUPS.map(([title, rows]) => [title, Object.entries(rows).filter(([name]) => formats.includes(name))]);
  const others = formats.filter((name) => !known.has(name));
  return [...found, ["Others", others.map((name) => /** @type {[string, string]} */ ([name, "of an installed package"]))]];
};

/** Wait until an export is written. @param {string} job @param {any} found @returns {Promise<any>} */
const finished = async (job, found) => {
  while (found.state === "queued" || found.state === "running") {
    await new Promise((resolve) => setTimeout(resolve, 400));
    const { exports } = await request(`/jobs/${job}/exports`);
    found = exports.find((/** @type {any} */ each) => each.format === found.format);
  }
  if (found.state !== "done") throw new Error(found.error ?? "the export failed; try another format");
  return found;
};

/** @param {string} path of the file within the job @param {string} job */
const download = (job, path) => {
  const link = create("a", { href: address(`/jobs/${job}/files/${path.split("/").map(encodeURIComponent).join("/")}?download=true`), download: path.split("/").pop() });
  document.body.append(link);
  link.click();
  link.remove();
};

/** @param {() => {job: string, flush: () => Promise<void>} | null} current the open job; `flush` sends its decision first */
export const exportMenu = async (current) => {
  const dialog = find("exports"), state = find("export-state");
  const write = async (/** @type {string} */ format, /** @type {any} */ button) => {
    const open = current();
    if (!open) return;
    button.disabled = true;
    state.textContent = `Writing ${format} ...`;
    try {
      await open.flush();
      const found = await finished(open.job, await post(`/jobs/${open.job}/exports`, { format }));
      download(open.job, found.file);
      state.textContent = `${format}: done`;
    } catch (error) {
      state.textContent = /** @type {Error} */ (error).message;
    } finally {
      button.disabled = false;
    }
  };
  find("export").addEventListener("click", () => { state.textContent = ""; dialog.showModal(); });
  const { formats } = await request("/formats");
  const names = formats.map((/** @type {{name: string}} */ each) => each.name);
  for (const [title, rows] of grouped(names)) {
    if (!rows.length) continue;
    const list = create("div", { class: "formats" });
    for (const [name, text] of rows) {
      const button = create("button", { type: "button", "data-format": name }, create("span", { textContent: name }), create("span", { class: "soft", textContent: text }));
      button.addEventListener("click", () => write(name, button));
      list.append(button);
    }
    find("formats").append(create("h2", { textContent: title }), list);
  }
};
