/** The feed of incidents: newest first, each with what it explains folded under it. */

import { mark, serverNow, since } from "./clock.js";
import { drawPicture, isAwaited, isPictured, keptOf, saveRecording } from "./evidence.js";
import { arrange, blank, say, sayOrHide, Seen } from "./rows.js";
import { clock, counted, place, plain, span } from "./words.js";

const WORDS = { critical: "Critical", warning: "Warning", info: "Information" };
const ASK_SECONDS = 3;

/** Shows incidents. */
export class IncidentList {
  #rows = new Map();
  #kept = new WeakMap();
  #seen = new Seen((row) => this.#shown(row));
  #fresh = true;
  #asked = null;

  /**
   * @param {Element} list an `<ol>`
   * @param {import("./api.js").Api} api for evidence
   * @param {(name: string) => void} chosen told of the stream that was clicked
   */
  constructor(list, api, chosen) {
    this.list = list;
    this.api = api;
    list.addEventListener("click", (event) => {
      const kept = this.#kept.get(event.target.closest(".incident"));
      if (event.target.closest(".name")) chosen(kept.incident.stream);
      else if (event.target.closest(".recording")) this.#save(kept);
    });
  }

  /**
   * Show these, in this order.
   * @param {{incident: object, explains: object[]}[]} trees of the model
   * @param {boolean} fresh whether incidents arrive
   */
  update(trees, fresh) {
    this.#fresh = fresh;
    const before = this.#rows;
    this.#rows = new Map();
    const top = [];
    for (const { incident, explains } of trees) {
      const row = this.#row(incident, before);
      top.push(row);
      const { explained, summary, inner } = this.#kept.get(row);
      explained.hidden = explains.length === 0;
      if (explains.length) {
        const names = [...new Set(explains.map((one) => plain(one.detector, 64)))].join(", ");
        say(summary, `explains ${counted(explains.length, "other")}: ${names}`);
      }
      arrange(inner, explains.map((one) => this.#row(one, before)));
    }
    arrange(this.list, top);
    for (const [id, row] of before) if (!this.#rows.has(id)) this.#seen.drop(row);
    for (const [id, row] of this.#rows) if (!before.has(id)) this.#seen.watch(row);
  }

  /** Let the spans on the screen go on. */
  tick() {
    for (const row of this.#seen) this.#shown(row);
    this.#askAgain();
  }

  #row(incident, before) {
    const row = before.get(incident.id) ?? this.#made();
    this.#rows.set(incident.id, row);
    const kept = this.#kept.get(row);
    if (kept.incident !== incident || kept.fresh !== this.#fresh) this.#write(row, kept, incident);
    return row;
  }

  #made() {
    const row = blank("incident-row");
    const find = (selector) => row.querySelector(selector);
    this.#kept.set(row, {
      incident: null, picture: "", saving: false, chip: find(".chip"), detector: find(".detector"), track: find(".track"),
      name: find(".name bdi"), time: find("time"), span: find(".span"), message: find(".message"),
      messageText: find(".message bdi"), explained: find(".explained"), summary: find("summary"), inner: find("ol"),
      canvas: find("canvas"), recording: find(".recording"),
    });
    return row;
  }

  #write(row, kept, incident) {
    const wasOpen = kept.incident?.status === "open";
    Object.assign(kept, { incident, fresh: this.#fresh });
    row.dataset.tone = incident.severity;
    row.dataset.status = incident.status;
    say(kept.chip, WORDS[incident.severity] ?? plain(incident.severity, 20));
    say(kept.detector, plain(incident.detector, 64));
    say(kept.track, plain(incident.track, 20));
    say(kept.name, plain(incident.stream, 200));
    say(kept.time, clock(incident.opened_at));
    kept.time.dateTime = incident.opened_at;
    kept.time.title = `at ${place(incident.start_seconds)} of the stream`;
    const peak = incident.peak === null ? "" : ` (peak ${Number(incident.peak.toPrecision(4))} ${plain(incident.unit, 20)})`;
    sayOrHide(kept.message, kept.messageText, plain(incident.message) + peak);
    kept.recording.hidden = incident.severity === "info" || incident.evidence.clip === null;
    this.#tick(row);
    if (wasOpen && incident.status !== "open" && kept.picture === "none") kept.picture = "";
  }

  #tick(row) {
    const { incident, span: node } = this.#kept.get(row);
    if (incident.status !== "open") {
      return say(node, `lasted ${span(Math.max(0, (incident.end_seconds ?? 0) - incident.start_seconds), true)}`);
    }
    const seconds = (serverNow() - incident.opened) / 1000;
    say(node, this.#fresh ? `open for ${span(seconds)}` : "was open");
  }

  async #shown(row) {
    this.#tick(row);
    const kept = this.#kept.get(row);
    if (kept.picture !== "" || !isPictured(kept.incident)) return;
    kept.picture = "asked";
    const drawn = await drawPicture(this.api, kept.incident.id, kept.canvas);
    kept.picture = drawn ? "drawn" : "none";
    if (drawn) {
      const { detector, stream } = kept.incident;
      kept.canvas.setAttribute("aria-label", `${plain(detector, 64)} on ${plain(stream, 200)}: the frame at its start`);
    }
  }

  async #askAgain() {
    if (this.#asked !== null && since(this.#asked) < ASK_SECONDS) return;
    const now = serverNow();
    const seen = [...this.#seen].map((row) => this.#kept.get(row).incident);
    const awaited = seen.filter((incident) => isAwaited(incident, now));
    if (awaited.length === 0) return;
    this.#asked = mark();
    const found = await keptOf(this.api, awaited);
    for (const incident of awaited) {
      incident.evidence = found.get(incident.id) ?? incident.evidence;
      const row = this.#rows.get(incident.id);
      if (row && this.#kept.get(row).incident === incident) this.#write(row, this.#kept.get(row), incident);
    }
  }

  async #save(kept) {
    const { incident, recording } = kept;
    if (kept.saving) return;
    kept.saving = true;
    say(recording, "Fetching the recording");
    say(recording, await saveRecording(this.api, incident.id));
    kept.saving = false;
  }
}
