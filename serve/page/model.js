/** What is known: streams as last told, incidents in their newest revisions. Knows nothing of the screen. */

import { mark, since } from "./clock.js";
import { GROUPS, groupOf } from "./words.js";

const MOST_CLOSED = 1000;
const MOST_STEPS = 16;
/** The detector whose open incidents make a stream's state. */
const STALLED = "stalled";
/** A state that was asked for so long after an incident was told of knows of it. */
const KNOWN_SECONDS = 3;
const WEIGHT = { critical: 2, warning: 1, info: 0 };

/** Streams and incidents. */
export class Model {
  /** name -> {stream, at, group, open: incidents that count, explained and unseen: how many more} */
  streams = new Map();
  /** id -> Incident */
  incidents = new Map();
  /** Whether there are more streams than were asked for. */
  more = false;
  /** What has been told at all: before that, nothing is not the same as none. */
  known = { streams: false, incidents: false };
  #open = new Map();
  #told = null;

  /**
   * Take the streams as they are now.
   * @param {{items: object[], more: boolean, at: object}} found of `Api.list`
   */
  setStreams({ items, more, at }) {
    const before = this.streams;
    this.streams = new Map();
    this.more = more;
    this.known.streams = true;
    for (const stream of items) {
      const record = { stream, at, group: null, open: [], explained: 0, excess: 0, unseen: 0 };
      this.#judge(record);
      record.excess = Math.max(0, stream.open_incidents - (this.#open.get(stream.stream)?.size ?? 0));
      // An incident may reach the count before the feed, or leave it after: only what lasts is told.
      record.unseen = Math.min(record.excess, before.get(stream.stream)?.excess ?? 0);
      this.streams.set(stream.stream, record);
    }
  }

  /** From now on remember which incidents the feed tells of: they are newer than the list that is being fetched. */
  beginList() {
    this.#told = new Set();
  }

  /**
   * Take a list of all open incidents and the newest closed ones; those that were open and are not in it are forgotten.
   * @param {object[]} listed Incidents
   */
  setIncidents(listed) {
    this.known.incidents = true;
    const told = this.#told ?? new Set();
    this.#told = null;
    const ids = new Set(listed.map((incident) => incident.id));
    for (const [id, incident] of this.incidents) {
      if (incident.status === "open" && !ids.has(id) && !told.has(id)) this.#forget(id);
    }
    for (const incident of listed) if (!told.has(incident.id)) this.#set(incident);
    this.#settle();
  }

  /**
   * Take an event.
   * @param {{kind: string, incident: object}} event a FeedEvent
   * @returns {boolean} whether the incident is new here
   */
  apply({ kind, incident }) {
    this.#told?.add(incident.id);
    if (kind === "marker") return false;
    const known = this.incidents.get(incident.id);
    if (known?.status === "closed" && incident.status === "open") return false; // told again after a reconnect
    this.#set(incident);
    this.#settle(incident.stream);
    return !known && incident.status === "open";
  }

  /** Forget all incidents. */
  clearIncidents() {
    this.known.incidents = false;
    this.incidents.clear();
    this.#open.clear();
    this.#settle();
  }

  /**
   * Judge the streams again: time has passed.
   * @returns {boolean} whether one is in another group now
   */
  judge() {
    let moved = false;
    for (const record of this.streams.values()) {
      const before = record.group;
      this.#judge(record);
      moved ||= record.group !== before;
    }
    return moved;
  }

  /** @returns {object[]} records of streams, those in trouble first, then by name */
  sorted() {
    const trouble = (a, b) => a.group.rank - b.group.rank || (a.stream.stream < b.stream.stream ? -1 : 1);
    return [...this.streams.values()].sort(trouble);
  }

  /** @returns {{group: object, count: number}[]} for each group of streams */
  counts() {
    const counts = GROUPS.map((group) => ({ group, count: 0 }));
    for (const record of this.streams.values()) counts[record.group.rank].count += 1;
    return counts;
  }

  /** @returns {{critical: number, warning: number}} open incidents that no other open one explains */
  openCounts() {
    const counts = { critical: 0, warning: 0, info: 0 };
    for (const ids of this.#open.values()) {
      for (const id of ids) {
        const incident = this.incidents.get(id);
        if (!this.#covered(incident)) counts[incident.severity] += 1;
      }
    }
    return counts;
  }

  /**
   * The incident under which one is shown: the first cause that is known.
   * @param {object} incident any
   * @returns {object} an incident; itself where nothing known explains it
   */
  rootOf(incident) {
    let root = incident;
    for (let step = 0; step < MOST_STEPS; step++) {
      const cause = root.explained_by && this.incidents.get(root.explained_by);
      if (!cause) return root;
      if (cause === incident) break;
      root = cause;
    }
    return incident;
  }

  /**
   * Incidents to show: causes, newest first, each with what it explains.
   * @param {(incident: object) => boolean} wanted which
   * @returns {{incident: object, explains: object[]}[]}
   */
  trees(wanted) {
    const trees = new Map();
    const tree = (root) => {
      if (!trees.has(root.id)) trees.set(root.id, { incident: root, explains: [] });
      return trees.get(root.id);
    };
    for (const incident of this.incidents.values()) {
      if (!wanted(incident)) continue;
      const root = this.rootOf(incident);
      const at = tree(root);
      if (root !== incident) at.explains.push(incident);
    }
    for (const { explains } of trees.values()) explains.sort(newest);
    return [...trees.values()].sort((a, b) => newest(a.incident, b.incident));
  }

  #set(told) {
    const incident = taken(told);
    const { id, stream } = incident;
    this.incidents.set(id, incident);
    const open = this.#open.get(stream) ?? new Set();
    if (incident.status === "open") this.#open.set(stream, open.add(id));
    else if (open.delete(id) && open.size === 0) this.#open.delete(stream);
  }

  #forget(id) {
    const incident = this.incidents.get(id);
    this.incidents.delete(id);
    const open = this.#open.get(incident.stream);
    if (open?.delete(id) && open.size === 0) this.#open.delete(incident.stream);
  }

  #settle(name) {
    if (this.incidents.size > MOST_CLOSED * 1.2) this.#prune();
    const records = name === undefined ? this.streams.values() : [this.streams.get(name)];
    for (const record of records) if (record) this.#judge(record);
  }

  #prune() {
    const closed = [...this.incidents.values()].filter((incident) => incident.status !== "open");
    for (const { id } of closed.sort(newest).slice(MOST_CLOSED)) this.incidents.delete(id);
  }

  #covered(incident) {
    const root = this.rootOf(incident);
    return root !== incident && root.status === "open";
  }

  #judge(record) {
    const open = [...(this.#open.get(record.stream.stream) ?? [])].map((id) => this.incidents.get(id));
    open.sort((a, b) => WEIGHT[b.severity] - WEIGHT[a.severity] || a.opened - b.opened);
    record.open = open.filter((incident) => !this.#covered(incident));
    record.explained = open.length - record.open.length;
    const news = ({ detector, heard }) => detector === STALLED && since(heard) - since(record.at) < KNOWN_SECONDS;
    record.group = groupOf(record.stream, ageOf(record), open[0]?.severity ?? null, open.some(news));
  }
}

/**
 * Whether a stream's state is another once the server has looked at it again.
 * @param {{kind: string, incident: object}} event a FeedEvent
 * @returns {boolean}
 */
export function changesState({ kind, incident }) {
  return incident.detector === STALLED && (kind === "opened" || kind === "closed");
}

/**
 * An incident as it is kept here: with the time it was opened as a number, `opened`, and the moment it came, `heard`.
 * @param {object} incident as the API told it
 * @returns {object}
 */
export function taken(incident) {
  return { ...incident, opened: Date.parse(incident.opened_at), heard: mark() };
}

/**
 * The order of incidents, the newest first.
 * @param {object} a as `taken` gave it
 * @param {object} b as `taken` gave it
 * @returns {number}
 */
export function newest(a, b) {
  return b.opened - a.opened || (a.id < b.id ? -1 : 1);
}

/**
 * How long ago a stream's newest frame arrived, by now.
 * @param {{stream: object, at: object}} record of a stream
 * @returns {number | null} seconds; null where there is none
 */
export function ageOf({ stream, at }) {
  return stream.newest_frame_age_seconds === null ? null : stream.newest_frame_age_seconds + since(at);
}
