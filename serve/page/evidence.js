/** What was kept of an incident: a picture, loaded when it comes into sight, and a recording to save. */

import { Problem, why } from "./api.js";

const MOST_PIXELS = 320;

/**
 * Draw the picture of an incident, if there is one.
 * @param {import("./api.js").Api} api where it is
 * @param {string} id of the incident
 * @param {HTMLCanvasElement} canvas where to; shown then
 * @returns {Promise<boolean>} whether there is one
 */
export async function drawPicture(api, id, canvas) {
  let bitmap;
  try {
    const response = await api.open(path(id, "jpg"), { signal: AbortSignal.timeout(20_000) });
    bitmap = await createImageBitmap(await response.blob());
  } catch {
    return false; // none was kept, or it is no picture: the incident is shown all the same
  }
  const scale = Math.min(1, MOST_PIXELS / Math.max(bitmap.width, bitmap.height));
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  canvas.hidden = false;
  return true;
}

/**
 * Save the recording of an incident as a file.
 * @param {import("./api.js").Api} api where it is
 * @param {string} id of the incident
 * @returns {Promise<string>} what became of it, for a person
 */
export async function saveRecording(api, id) {
  try {
    const response = await api.open(path(id, "mkv"));
    const url = URL.createObjectURL(await response.blob());
    const link = document.createElement("a");
    link.href = url;
    link.download = `${id}.mkv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    return "Saved";
  } catch (error) {
    return error instanceof Problem && error.status === 404 ? "No recording was kept" : `Not saved: ${why(error)}`;
  }
}

function path(id, kind) {
  return `v1/incidents/${encodeURIComponent(id)}/evidence.${kind}`;
}
