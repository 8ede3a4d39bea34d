// @ts-check
/** Keys of the page, and the dialog that lists them. */

import { create, find } from "./dom.js";

/**
 * @typedef {object} Actions
 * @property {() => void} play
 * @property {(seconds: number) => void} move
 * @property {(where: "start" | "end" | "next" | "before") => void} jump
 * @property {(field: "mute" | "solo") => void} toggle
 * @property {() => void} undo
 * @property {() => void} redo
 */

/** What is pressed, how it is shown, what it does, and its action. @type {[string[], string, string, (actions: Actions, event: KeyboardEvent) => void][]} */
const KEYS = [
  [[" ", "k"], "Space", "play or pause", (actions) => actions.play()],
  [["ArrowLeft"], "←", "a second back, with Shift a frame", (actions, event) => actions.move(event.shiftKey ? -0.04 : -1)],
  [["ArrowRight"], "→", "a second on, with Shift a frame", (actions, event) => actions.move(event.shiftKey ? 0.04 : 1)],
  [["Home"], "Home", "to the start", (actions) => actions.jump("start")],
  [["End"], "End", "to the end", (actions) => actions.jump("end")],
  [["n"], "N", "to the next sound", (actions) => actions.jump("next")],
  [["p"], "P", "to the sound before", (actions) => actions.jump("before")],
  [["m"], "M", "mute the track of the lane, or what sounds now", (actions) => actions.toggle("mute")],
  [["s"], "S", "solo the track of the lane, or what sounds now", (actions) => actions.toggle("solo")],
  [["z"], "Ctrl+Z", "undo, with Shift redo", (actions, event) => (event.shiftKey ? actions.redo() : actions.undo())],
  [["?"], "?", "this help", () => showHelp()],
];

const showHelp = () => { if (!find("keys").open) find("keys").showModal(); };

/** Whether a key belongs to the element that has the focus. @param {KeyboardEvent} event */
const isTaken = (event) => {
  const target = /** @type {HTMLElement} */ (event.target), pressed = event.key === " " || event.key === "Enter";
  if (document.querySelector("dialog[open]")) return true;
  if (target.closest("input[type='text'], textarea, select")) return true;
  if (target.closest("input[type='range']")) return event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End";
  return pressed && target.closest("button, a, summary, label, input") !== null;
};

/** @param {() => Actions | null} current the actions of what is open */
export const listen = (current) => {
  for (const [, shown, text] of KEYS) find("key-list").append(create("dt", {}, create("kbd", { textContent: shown })), create("dd", { textContent: text }));
  find("help").addEventListener("click", showHelp);
  for (const button of document.querySelectorAll("dialog .close")) button.addEventListener("click", () => button.closest("dialog")?.close());
  for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.addEventListener("keydown", (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key, row = KEYS.find(([keys]) => keys.includes(key));
    const control = event.ctrlKey || event.metaKey;
    if (!row || isTaken(event) || event.altKey || control !== (key === "z")) return;
    const actions = current();
    if (!actions && key !== "?") return;
    event.preventDefault();
    row[3](/** @type {Actions} */ (actions), event);
  });
};
