// @ts-check
/** The start of a visit: a clip is dropped, chosen, recorded or the example; and the options of its run. */

import { post, upload } from "./api.js";
import { find, size } from "./dom.js";
import { recorder } from "./record.js";

/** @typedef {{bytes?: number, seconds?: number}} Limits */

/** Options of a run as the API takes them. @returns {Record<string, any>} */
export const settings = () => {
  /** @type {Record<string, any>} */
  const given = {};
  const words = find("opt-vocabulary").value.split(",").map((/** @type {string} */ word) => word.trim()).filter(Boolean);
  const phrase = find("opt-find").value.trim(), fps = find("opt-fps").value;
  if (words.length) given.vocabulary = words;
  if (phrase) given.find = phrase;
  if (fps !== "auto") given.fps = Number(fps);
  return given;
};

/**
 * @param {Limits} limits
 * @param {{began: (job: any) => void, sending: (name: string, share: number | null) => void, fail: (line: string) => void}} on
 */
export const start = (limits, on) => {
  const drop = find("drop"), file = find("file");
  const send = async (/** @type {Blob} */ clip, /** @type {string} */ name) => {
    if (limits.bytes && clip.size > limits.bytes) { on.fail(`${name}: has ${size(clip.size)}, at most ${size(limits.bytes)} are taken; cut it, or use seac segment`); return; }
    if (!clip.size) { on.fail(`${name}: is empty; choose a video`); return; }
    try {
      on.sending(name, 0);
      on.began(await upload(clip, name, settings(), (share) => on.sending(name, share)));
    } catch (error) {
      on.sending(name, null);
      on.fail(`${name}: ${/** @type {Error} */ (error).message}`);
    }
  };
  file.addEventListener("change", () => { if (file.files[0]) send(file.files[0], file.files[0].name); file.value = ""; });
  find("example").addEventListener("click", async () => {
    try { on.began(await post("/app/example", settings())); } catch (error) { on.fail(/** @type {Error} */ (error).message); }
  });
  recorder(send, on.fail, () => limits.seconds ?? 60);

  for (const name of ["dragenter", "dragover"]) document.addEventListener(name, (event) => { event.preventDefault(); if (!find("start").hidden) drop.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) document.addEventListener(name, (event) => { event.preventDefault(); drop.classList.remove("over"); });
  document.addEventListener("drop", (event) => {
    const files = event.dataTransfer?.files;
    if (find("start").hidden || !files?.length) return;
    if (files.length > 1) { on.fail("several files were dropped: drop one video at a time"); return; }
    send(files[0], files[0].name);
  });
};
