/** Whether what the page shows is live. It is not, until both the streams and the feed of incidents say so. */

import { clock, span } from "./words.js";
import { mark, serverNow, since } from "./clock.js";

const LOST_SECONDS = 7;
const CUT_SECONDS = 2;

/** States of contact in words. */
const WORDS = {
  start: "Asking the server",
  paused: "Paused while hidden",
  live: "Live",
  partly: "Incidents not live",
  lost: "No contact",
  locked: "Key needed",
};

/** Judges the page's contact with its server. Tells `change` (an Event) when the state or its reason is another. */
export class Contact extends EventTarget {
  state = "start";
  reason = "";
  #answered = null;
  #failures = 0;
  #cut = mark();
  #following = false;
  #resumed = false;
  #locked = false;
  #lastTime = null;

  /** The streams came. */
  answered() {
    this.#answered = mark();
    this.#lastTime = serverNow();
    this.#failures = 0;
    this.#resumed = false;
    this.judge();
  }

  /** @param {string} reason why the streams did not come */
  failed(reason) {
    this.#failures += 1;
    this.#resumed = false;
    this.judge(reason);
  }

  /**
   * @param {boolean} following whether incidents arrive
   * @param {string} [reason] why not
   */
  follows(following, reason) {
    if (this.#following && !following) this.#cut = mark();
    this.#following = following;
    this.judge(reason);
  }

  /** Somebody looks again, after a while in which nothing was asked. */
  resumed() {
    this.#resumed = this.#answered !== null && since(this.#answered) > LOST_SECONDS;
    this.judge();
  }

  /** @param {boolean} locked whether a key is waited for */
  locked(locked) {
    this.#locked = locked;
    if (!locked) this.#failures = 0;
    this.judge();
  }

  /** @param {string} [reason] the newest, if there is one */
  judge(reason) {
    const state = this.#judged();
    const said = reason ?? this.reason;
    if (state === this.state && said === this.reason) return;
    this.state = state;
    this.reason = state === "live" ? "" : said;
    this.dispatchEvent(new Event("change"));
  }

  #judged() {
    if (this.#locked) return "locked";
    const cut = !this.#following && since(this.#cut) > CUT_SECONDS;
    const old = this.#answered !== null && since(this.#answered) > LOST_SECONDS;
    if (document.hidden && this.#answered !== null) return cut ? "lost" : old ? "paused" : this.state;
    if (this.#failures > 1) return "lost";
    if (this.#answered === null) return "start";
    if (old) return this.#resumed ? "paused" : "lost";
    if (!this.#following && this.state === "start") return cut ? "partly" : "start";
    return cut ? "partly" : "live";
  }

  /** @returns {string} the state in a word or two */
  get word() {
    return WORDS[this.state];
  }

  /** @returns {string} what an operator must know when it is not live; empty where it is */
  get alarm() {
    const because = this.reason && `: ${this.reason}`;
    if (this.state === "partly") return `Incidents are not live${because}. Trying again.`;
    if (this.state !== "lost") return "";
    if (this.#lastTime === null) return `No contact with the server${because}. Nothing is known. Trying again.`;
    return `No contact with the server${because}. What you see is from ${clock(this.#lastTime)}. Trying again.`;
  }

  /** @returns {string} how old that is; it changes each second, so it is not part of what is read out */
  get ago() {
    return this.state === "lost" && this.#answered ? `(${span(since(this.#answered))} ago)` : "";
  }

  /** @returns {boolean} whether the streams shown are what they are now */
  get fresh() {
    return this.state === "live" || this.state === "partly";
  }
}
