/** The list of streams: those in trouble first. */

import { serverNow } from "./clock.js";
import { ageOf } from "./model.js";
import { arrange, blank, element, say, sayOrHide, Seen } from "./rows.js";
import { clock, counted, place, plain, span, stateOf } from "./words.js";

const MOST_SHOWN = 4;

/** Shows streams. */
export class StreamList {
  #rows = new Map();
  #kept = new WeakMap();
  #seen = new Seen((row) => this.#tick(row));
  #fresh = false;

  /**
   * @param {Element} list an `<ol>`
   * @param {(name: string) => void} chosen told of the stream that was clicked
   */
  constructor(list, chosen) {
    this.list = list;
    list.addEventListener("click", (event) => {
      const row = event.target.closest(".stream");
      if (row && !getSelection().toString()) chosen(this.#kept.get(row).record.stream.stream);
    });
  }

  /**
   * Show these, in this order.
   * @param {object[]} records of the model
   * @param {boolean} fresh whether they are what the streams are now
   */
  update(records, fresh) {
    this.#fresh = fresh;
    const rows = new Map();
    for (const record of records) {
      const name = record.stream.stream;
      const row = this.#rows.get(name) ?? this.#made();
      rows.set(name, row);
      this.#write(row, record);
    }
    for (const [name, row] of this.#rows) if (!rows.has(name)) this.#seen.drop(row);
    for (const [name, row] of rows) if (!this.#rows.has(name)) this.#seen.watch(row);
    this.#rows = rows;
    arrange(this.list, [...rows.values()]);
  }

  /** Let the ages on the screen go on. */
  tick() {
    for (const row of this.#seen) this.#tick(row);
  }

  #made() {
    const row = blank("stream-row");
    const find = (selector) => row.querySelector(selector);
    this.#kept.set(row, {
      record: null, openKey: "", name: find(".name bdi"), button: find(".name"), source: find(".source"),
      chip: find(".state .chip"), age: find(".age .value"), position: find(".position .value"),
      restarts: find(".restarts .value"), open: find(".open"), error: find(".error"), errorText: find(".error bdi"),
    });
    return row;
  }

  #write(row, record) {
    const kept = this.#kept.get(row);
    const { stream, group } = record;
    if (kept.record === record && kept.group === group && kept.fresh === this.#fresh && kept.counted === record.open) return;
    Object.assign(kept, { record, group, fresh: this.#fresh, counted: record.open });
    row.dataset.tone = group.tone;
    row.dataset.group = group.key;
    row.classList.toggle("live", stream.live);
    say(kept.name, plain(stream.stream, 200));
    say(kept.source, plain(stream.source, 300));
    kept.source.title = kept.source.textContent;
    const state = stateOf(stream, group);
    say(kept.chip, this.#fresh ? state : `was: ${state}`);
    say(kept.position, place(stream.position_seconds));
    say(kept.restarts, String(stream.restarts));
    row.classList.toggle("restarted", stream.restarts > 0);
    sayOrHide(kept.error, kept.errorText, plain(stream.error ?? ""));
    this.#incidents(kept);
    this.#tick(row);
  }

  #incidents(kept) {
    const { open, explained, unseen } = kept.record;
    const key = [...open.map((incident) => incident.id + incident.severity), explained, unseen].join();
    if (key === kept.openKey) return;
    kept.openKey = key;
    const parts = open.slice(0, MOST_SHOWN).map(chip);
    const more = open.length - parts.length;
    if (more) parts.push(element("li", `and ${more} more`, "note"));
    if (explained) parts.push(element("li", `${counted(explained, "other")} explained by these`, "note"));
    if (unseen) parts.push(element("li", `${counted(unseen, "open one")} not listed here`, "note"));
    kept.open.replaceChildren(...parts);
  }

  #tick(row) {
    const kept = this.#kept.get(row);
    const age = ageOf(kept.record);
    const { live } = kept.record.stream;
    if (age === null) say(kept.age, live ? "none yet" : "a file");
    else say(kept.age, this.#fresh ? `${span(age)} ago` : "unknown");
    for (const part of kept.open.children) {
      if (!part.dataset.since) continue;
      const seconds = (serverNow() - Number(part.dataset.since)) / 1000;
      say(part.lastElementChild.lastElementChild, this.#fresh ? `, ${span(seconds)}` : "");
    }
  }
}

function chip(incident) {
  const part = element("li", "", "chip");
  part.dataset.tone = incident.severity;
  part.dataset.since = incident.opened;
  part.title = plain(incident.message);
  const said = element("span", "");
  said.append(
    element("span", `${incident.severity} `, "unseen"), element("b", plain(incident.detector, 64)),
    ` since ${clock(incident.opened_at)}`, element("span", ""),
  );
  part.append(said);
  return part;
}
