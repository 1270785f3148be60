/** Tells those who listen instead of look of new critical incidents, without a flood. */

import { plain } from "./words.js";

const GATHER_MILLISECONDS = 3000;

/** Speaks through a live region. */
export class Announcer {
  #waiting = [];

  /** @param {Element} region with `aria-live` */
  constructor(region) {
    this.region = region;
  }

  /** @param {object} incident that has just opened */
  opened(incident) {
    if (incident.severity !== "critical") return;
    if (this.#waiting.push(incident) === 1) setTimeout(() => this.#speak(), GATHER_MILLISECONDS);
  }

  #speak() {
    const [first, ...rest] = this.#waiting.splice(0);
    const more = rest.length ? `, and ${rest.length} more` : "";
    this.region.textContent = `Critical: ${plain(first.detector, 64)} on ${plain(first.stream, 100)}${more}`;
  }
}
