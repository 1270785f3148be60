/** The page: puts its parts together. */

import { Api } from "./api.js";
import { Contact } from "./contact.js";
import { Detail } from "./detail.js";
import { Feed } from "./feed.js";
import { IncidentList } from "./incidents.js";
import { KeyDialog } from "./key.js";
import { changesState, Model } from "./model.js";
import { MOST_STREAMS, Poller } from "./poll.js";
import { say, sayOrHide } from "./rows.js";
import { StreamList } from "./streams.js";
import { Summary } from "./summary.js";
import { Announcer } from "./announce.js";
import { counted, number } from "./words.js";

const SETTLE_MILLISECONDS = 60;
const MOST_INCIDENTS = 200;
const MOST_OPEN = 5000;
const find = (id) => document.getElementById(id);

const api = new Api();
const model = new Model();
const contact = new Contact();
const announcer = new Announcer(find("announcements"));
const detail = new Detail(api, model);
const choose = (name) => detail.show(name);
const streams = new StreamList(find("stream-list"), choose);
const incidents = new IncidentList(find("incident-list"), api, choose);
const summary = new Summary(() => changed());
let drawing = 0;
let listing = 0;

const poller = new Poller(api, {
  answered(found) {
    model.setStreams(found);
    if (contact.state === "lost") feed.wake();
    contact.answered();
    changed();
  },
  failed: (reason) => contact.failed(reason),
});

const feed = new Feed(api, {
  async begun() {
    const turn = ++listing;
    model.beginList();
    const severity = severities();
    const [open, newest] = await Promise.all([
      api.list("v1/incidents", { status: "open", severity, limit: 1000 }, MOST_OPEN),
      api.list("v1/incidents", { status: "closed", severity, limit: MOST_INCIDENTS }, MOST_INCIDENTS),
    ]);
    if (turn !== listing) return;
    model.setIncidents([...newest.items, ...open.items]);
    contact.follows(true);
    changed();
  },
  event(event) {
    if (model.apply(event)) announcer.opened(event.incident);
    if (changesState(event)) poller.soon();
    changed();
  },
  cut(reason) {
    if (contact.state === "live") poller.wake();
    contact.follows(false, reason);
  },
});

summary.update(model);

const key = new KeyDialog(api, () => {
  contact.locked(false);
  start();
});

function start() {
  find("forget").hidden = api.key === null;
  poller.start();
  feed.start({ severity: severities() });
}

function stop() {
  poller.stop();
  feed.stop();
  contact.follows(false);
}

function severities() {
  return find("information").checked ? ["critical", "warning", "info"] : ["critical", "warning"];
}

function changed() {
  if (drawing === 0) drawing = setTimeout(draw, SETTLE_MILLISECONDS);
}

function draw() {
  drawing = 0;
  const words = find("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (text) => words.every((word) => text.includes(word));
  const records = model.sorted();
  const shown = records.filter((record) => (!summary.only || record.group.key === summary.only) && fits(textOf(record)));
  streams.update(shown, contact.fresh);
  noteStreams(shown.length, records.length, model.more ? MOST_STREAMS : 0);
  const named = (incident) => fits(`${incident.stream} ${incident.detector} ${incident.message}`.toLowerCase());
  const trees = model.trees(words.length ? named : () => true);
  incidents.update(trees.slice(0, MOST_INCIDENTS), contact.state === "live");
  const rest = trees.length - MOST_INCIDENTS;
  let told = rest > 0 ? `The newest ${MOST_INCIDENTS}; ${counted(rest, "older one")} not shown.` : "";
  if (trees.length === 0 && model.known.incidents) told = "None.";
  sayOrHide(find("incidents-note"), find("incidents-note"), told);
  detail.update(contact.fresh);
  summary.update(model);
  summary.live(contact, model.openCounts());
}

function textOf({ stream, open }) {
  const tags = Object.entries(stream.tags).flat();
  const found = open.map((incident) => incident.detector);
  return [stream.stream, stream.source, stream.status, stream.error, ...tags, ...found].join(" ").toLowerCase();
}

function noteStreams(shown, all, most) {
  let told = "";
  say(find("streams-total"), all ? number(all) : "");
  if (most) told = `Only the first ${number(most)} streams by name are known here. `;
  if (shown < all) told += `${number(shown)} of ${counted(all, "stream")} shown.`;
  else if (all === 0 && contact.fresh) told += "No streams. Submit a job to watch some.";
  sayOrHide(find("streams-note"), find("streams-note"), told);
}

function tick() {
  contact.judge();
  summary.live(contact, model.openCounts());
  if (document.hidden) return;
  if (contact.fresh && model.judge()) changed();
  streams.tick();
  incidents.tick();
  detail.tick();
}

api.addEventListener("denied", () => {
  stop();
  contact.locked(true);
  key.ask();
});
contact.addEventListener("change", changed);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) contact.resumed();
});
find("filter").addEventListener("input", changed);
find("filters").addEventListener("submit", (event) => event.preventDefault());
document.querySelector("nav").addEventListener("click", ({ target }) => {
  if (!target.dataset.view) return;
  document.body.dataset.view = target.dataset.view;
  for (const button of document.querySelectorAll("nav button")) {
    button.setAttribute("aria-pressed", String(button === target));
  }
});
find("information").addEventListener("change", () => {
  model.clearIncidents();
  feed.start({ severity: severities() });
});
find("forget").addEventListener("click", () => {
  api.key = null;
  location.reload();
});
setInterval(tick, 1000);
start();
