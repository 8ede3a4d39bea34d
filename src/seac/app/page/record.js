// @ts-check
/** Recording from camera and microphone. */

import { clock, find } from "./dom.js";

const TYPES = ["video/mp4;codecs=avc1,mp4a.40.2", "video/webm;codecs=vp9,opus", "video/webm;codecs=vp8,opus", "video/webm"];

/** @param {unknown} error */
const reason = (error) => {
  const name = error instanceof DOMException ? error.name : "";
  if (name === "NotAllowedError") return "camera and microphone are not allowed: allow them for this page and try again";
  if (name === "NotFoundError") return "no camera or microphone was found: connect one, or choose a file";
  if (name === "NotReadableError") return "the camera is in use by another program: close it and try again";
  return "camera and microphone cannot be used here: choose a file";
};

/** @param {(file: Blob, name: string) => void} use @param {(line: string) => void} fail @param {() => number} longest seconds of the longest clip */
export const recorder = (use, fail, longest) => {
  const dialog = find("recorder"), camera = find("camera"), begin = find("record-start"), stop = find("record-stop"), line = find("recorded");
  /** @type {MediaStream | null} */
  let stream = null;
  /** @type {MediaRecorder | null} */
  let recording = null;
  let timer = 0;

  const release = () => {
    clearInterval(timer);
    if (recording && recording.state !== "inactive") { recording.onstop = null; recording.stop(); }
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = recording = camera.srcObject = null;
    begin.hidden = false;
    stop.hidden = true;
    line.textContent = "Camera and microphone stay on this machine.";
  };

  find("record").addEventListener("click", async () => {
    if (!navigator.mediaDevices || !window.MediaRecorder) { fail(reason(null)); return; }
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 } }, audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false } });
    } catch (error) {
      fail(reason(error));
      return;
    }
    camera.srcObject = stream;
    dialog.showModal();
  });

  begin.addEventListener("click", () => {
    if (!stream) return;
    const type = TYPES.find((each) => MediaRecorder.isTypeSupported(each)) ?? "";
    /** @type {Blob[]} */
    const parts = [];
    const began = performance.now();
    recording = new MediaRecorder(stream, type ? { mimeType: type } : {});
    recording.ondataavailable = (event) => parts.push(event.data);
    recording.onstop = () => {
      const kind = recording?.mimeType ?? type;
      dialog.close();
      use(new Blob(parts, { type: kind.split(";")[0] }), `recording.${kind.includes("mp4") ? "mp4" : "webm"}`);
    };
    recording.start(1000);
    begin.hidden = true;
    stop.hidden = false;
    stop.focus();
    timer = window.setInterval(() => {
      const seconds = (performance.now() - began) / 1000;
      line.textContent = `Recording: ${clock(seconds)} s`;
      if (seconds >= longest()) recording?.stop();
    }, 100);
  });
  stop.addEventListener("click", () => recording?.stop());
  find("record-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", release);
};
