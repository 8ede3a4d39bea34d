// @ts-check
/** The HTTP API of `seac serve`; every failure is an Error with one line for the user. */

const ROOT = "/v1";

/** @param {Response} answer */
const refused = async (answer) => {
  try {
    const body = await answer.json();
    if (typeof body.error === "string") return body.error;
  } catch { /* not JSON: the status says what is known */ }
  return `the server refused this (${answer.status} ${answer.statusText}); try again`;
};

/**
 * @param {string} path @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export const request = async (path, options = {}) => {
  let answer;
  try {
    answer = await fetch(ROOT + path, options);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Error("seac does not answer: is the command `seac app` still running?");
  }
  if (!answer.ok) throw Object.assign(new Error(await refused(answer)), { status: answer.status });
  return answer.status === 204 ? null : answer.json();
};

/** @param {string} path @param {unknown} body */
export const post = (path, body = {}) =>
  request(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** @param {string} path */
export const remove = (path) => request(path, { method: "DELETE" });

/** Address of a file or stream. @param {string} path */
export const address = (path) => ROOT + path;

/**
 * Upload a clip; `advance` is called with the share that has been sent.
 * @param {Blob} file @param {string} name @param {object} settings @param {(share: number) => void} advance
 * @returns {Promise<any>}
 */
export const upload = (file, name, settings, advance) => new Promise((resolve, reject) => {
  const form = new FormData(), sending = new XMLHttpRequest(); // fetch tells no progress of what it sends
  form.append("settings", JSON.stringify(settings));
  form.append("file", file, name);
  sending.open("POST", `${ROOT}/jobs`);
  sending.responseType = "json";
  sending.upload.addEventListener("progress", (event) => { if (event.lengthComputable) advance(event.loaded / event.total); });
  sending.addEventListener("load", () => {
    if (sending.status < 300) { resolve(sending.response); return; }
    const line = sending.response?.error, wait = sending.getResponseHeader("Retry-After");
    reject(new Error(line ?? `the server refused the clip (${sending.status})${wait ? `; try again in ${wait} s` : ""}`));
  });
  sending.addEventListener("error", () => reject(new Error("the clip could not be sent: is `seac app` still running, and the clip small enough?")));
  sending.send(form);
});
