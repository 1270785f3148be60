/** Details of one stream, beside the lists or, on a small screen, over them. */

import { Denied, why } from "./api.js";
import { IncidentList } from "./incidents.js";
import { newest, taken } from "./model.js";
import { element, say, sayOrHide } from "./rows.js";
import { number, place, plain, stateOf } from "./words.js";

const INCIDENTS = 20;
const SMALL = matchMedia("(max-width: 60rem)");

/** Shows a stream. */
export class Detail {
  /** name of the stream that is shown, or null */
  name = null;
  #dialog = document.getElementById("detail");
  #note = this.#dialog.querySelector(".note");
  #list;
  #earlier = [];
  #back = null;
  #facts = new Map();

  /**
   * @param {import("./api.js").Api} api where to ask
   * @param {import("./model.js").Model} model what is known
   */
  constructor(api, model) {
    this.api = api;
    this.model = model;
    this.#list = new IncidentList(this.#dialog.querySelector("ol"), api, () => {});
    this.#dialog.querySelector(".close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("close", () => this.#closed());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.name !== null && !event.defaultPrevented) this.#dialog.close();
    });
  }

  /** @param {string} name of the stream to show */
  async show(name) {
    this.#back = document.activeElement;
    this.name = name;
    this.#earlier = [];
    sayOrHide(this.#note, this.#note, "Asking the server");
    this.update(true);
    if (!this.#dialog.open) SMALL.matches ? this.#dialog.showModal() : this.#dialog.show();
    this.#dialog.scrollTop = 0;
    document.getElementById("detail-title").focus();
    await this.refresh();
  }

  /** Ask for the stream's newest incidents. */
  async refresh() {
    const name = this.name;
    if (name === null) return;
    let told = "";
    try {
      const { body } = await this.api.get("v1/incidents", { stream: name, limit: INCIDENTS });
      if (this.name !== name) return;
      this.#earlier = body.items.map(taken);
      if (body.items.length === 0) told = "No incidents so far.";
    } catch (error) {
      if (error instanceof Denied || this.name !== name) return;
      told = `Earlier incidents are not known: ${why(error)}.`;
    }
    sayOrHide(this.#note, this.#note, told);
    this.update();
  }

  /**
   * Show what is known by now.
   * @param {boolean} [fresh] whether that is what the stream is now
   */
  update(fresh = this.fresh) {
    this.fresh = fresh;
    if (this.name === null) return;
    say(document.getElementById("detail-title").firstElementChild, plain(this.name, 200));
    const record = this.model.streams.get(this.name);
    const error = record ? record.stream.error ?? "" : "This stream is no longer listed.";
    const holder = this.#dialog.querySelector(".error");
    sayOrHide(holder, holder.firstElementChild, plain(error));
    this.#dialog.querySelector("dl").hidden = !record;
    for (const [term, value] of record ? facts(record) : []) this.#fact(term, value);
    const known = new Map(this.#earlier.map((incident) => [incident.id, incident]));
    for (const incident of this.model.incidents.values()) {
      if (incident.stream === this.name) known.set(incident.id, incident);
    }
    const shown = [...known.values()].sort(newest).slice(0, INCIDENTS);
    this.#list.update(shown.map((incident) => ({ incident, explains: [] })), fresh);
  }

  /** Let the spans go on. */
  tick() {
    if (this.name !== null) this.#list.tick();
  }

  #fact(term, value) {
    let node = this.#facts.get(term);
    if (!node) {
      const row = document.createElement("div");
      row.append(element("dt", term), document.createElement("dd"));
      row.lastElementChild.append((node = document.createElement("bdi")));
      this.#dialog.querySelector("dl").append(row);
      this.#facts.set(term, node);
    }
    say(node, value);
  }

  #closed() {
    this.name = null;
    if (this.#back?.isConnected) this.#back.focus();
  }
}

function facts({ stream, group }) {
  const offered = stream.frames + stream.dropped;
  const share = offered ? ` (${((100 * stream.dropped) / offered).toPrecision(2)} %)` : "";
  const tags = Object.entries(stream.tags).map(([name, value]) => `${name}: ${value}`);
  return [
    ["State", stateOf(stream, group)],
    ["Source", plain(stream.source)],
    ["Analysed up to", place(stream.position_seconds)],
    ["Frames analysed", number(stream.frames)],
    ["Frames and packets skipped", number(stream.dropped) + (stream.dropped ? share : "")],
    ["Restarts", number(stream.restarts)],
    ["Job", plain(stream.job)],
    ["Runs as", plain(stream.cell === null ? stream.shape : `${stream.shape}, in ${stream.cell}`)],
    ["Tags", plain(tags.join(", ")) || "none"],
  ];
}
