/** What was kept of an incident: a picture, loaded when it comes into sight, and a recording to save. Only what the
 * server says there is, is asked for. */

import { Problem, why } from "./api.js";

const MOST_PIXELS = 320;
/** Evidence is written soon after an incident opens, or never. */
const AWAITED_SECONDS = 20;

/**
 * Whether there is a picture of an incident that shows it.
 * @param {object} incident of the model
 * @returns {boolean}
 */
export function isPictured({ severity, track, evidence }) {
  return severity !== "info" && track.startsWith("v") && evidence.still !== null;
}

/**
 * Whether more evidence of an incident may still come.
 * @param {object} incident of the model
 * @param {number} now the server's time
 * @returns {boolean}
 */
export function isAwaited({ severity, track, evidence, opened }, now) {
  const lacks = evidence.clip === null || (track.startsWith("v") && evidence.still === null);
  return severity !== "info" && lacks && now - opened < AWAITED_SECONDS * 1000;
}

/**
 * What is kept by now of incidents.
 * @param {import("./api.js").Api} api where to ask
 * @param {object[]} incidents of the model, at least one
 * @returns {Promise<Map<string, object>>} evidence by id; empty where the server does not answer
 */
export async function keptOf(api, incidents) {
  const since = incidents.map((incident) => incident.opened_at).sort()[0];
  try {
    const { body } = await api.get("v1/incidents", { since, limit: 1000 });
    return new Map(body.items.map(({ id, evidence }) => [id, evidence]));
  } catch {
    return new Map(); // the page says elsewhere that it has no contact
  }
}

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
