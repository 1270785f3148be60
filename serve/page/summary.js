/** The head of the page: how many streams are in which state, how many incidents are open, and whether that is live. */

import { element, say, sayOrHide } from "./rows.js";
import { counted, number } from "./words.js";

const ALWAYS = new Set(["failed", "stalled", "running"]);

/** Shows the counts, which choose streams when they are pressed, and the state of contact. */
export class Summary {
  /** key of the group whose streams alone are shown, or null */
  only = null;
  #buttons = new Map();
  #list = document.getElementById("counts");
  #incidents = document.getElementById("incident-counts");
  #contact = document.getElementById("contact");
  #alarm = document.getElementById("alarm");

  /** @param {() => void} changed told when another group is chosen */
  constructor(changed) {
    this.#list.addEventListener("click", (event) => {
      const key = event.target.closest("button")?.dataset.group;
      if (key === undefined) return;
      this.only = this.only === key ? null : key;
      changed();
    });
  }

  /**
   * Show what the model holds.
   * @param {import("./model.js").Model} model what is known
   */
  update(model) {
    for (const { group, count } of model.counts()) {
      const kept = this.#buttons.get(group.key) ?? this.#made(group);
      kept.item.hidden = count === 0 && this.only !== group.key && !ALWAYS.has(group.key);
      say(kept.count, model.known.streams ? number(count) : "–");
      kept.button.dataset.tone = count ? group.tone : "none";
      kept.button.setAttribute("aria-pressed", String(this.only === group.key));
    }
    const { critical, warning } = model.openCounts();
    const tones = this.#incidents.children.length ? this.#incidents.children : this.#madeIncidents();
    const known = model.known.incidents;
    this.#count(tones[0], critical, known ? `${number(critical)} critical` : "– critical");
    this.#count(tones[1], warning, known ? counted(warning, "warning") : "– warnings");
  }

  /**
   * Show whether it is live.
   * @param {import("./contact.js").Contact} contact judged by now
   * @param {{critical: number, warning: number}} open for the title of the tab
   */
  live(contact, open) {
    document.body.dataset.contact = contact.state;
    say(this.#contact, contact.word);
    const [said, ago] = this.#alarm.children;
    sayOrHide(this.#alarm, said, contact.alarm);
    say(ago, contact.ago);
    const told = open.critical ? `(${open.critical} critical) ` : open.warning ? `(${counted(open.warning, "warning")}) ` : "";
    const title = contact.state === "live" || contact.state === "paused" ? `${told}Sightline` : `${contact.word} – Sightline`;
    if (document.title !== title) document.title = title;
  }

  #made(group) {
    const button = element("button", "");
    button.type = "button";
    button.dataset.group = group.key;
    const count = element("b", "0");
    button.append(count, " ", element("span", group.word.toLowerCase()));
    const item = document.createElement("li");
    item.append(button);
    const after = [...this.#list.children].find((other) => Number(other.dataset.rank) > group.rank) ?? null;
    item.dataset.rank = group.rank;
    this.#list.insertBefore(item, after);
    const kept = { item, button, count };
    this.#buttons.set(group.key, kept);
    return kept;
  }

  #madeIncidents() {
    this.#incidents.append(" ");
    for (const tone of ["critical", "warning"]) {
      const part = element("b", "", "chip");
      part.dataset.severity = tone;
      this.#incidents.append(part, " ");
    }
    return this.#incidents.children;
  }

  #count(part, count, text) {
    part.dataset.tone = count ? part.dataset.severity : "none";
    say(part, text);
  }
}
