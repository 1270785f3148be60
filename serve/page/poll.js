/** Asks for the streams again and again, but not while nobody looks. */

import { Denied, why } from "./api.js";
import { pause, since } from "./clock.js";

const EVERY_MILLISECONDS = 2000;
const AGAIN_MILLISECONDS = 500;
/** The server looks at what runs each half second. */
const SOON_MILLISECONDS = 600;
const PAGE = 1000;

/** More streams than this are not shown; the page says so. */
export const MOST_STREAMS = 5000;

/** Polls `/v1/streams`. */
export class Poller {
  #stop = null;
  #wake = new AbortController();
  #soon = 0;

  /**
   * @param {import("./api.js").Api} api where it is
   * @param {object} told functions: `answered` with the streams, `failed` with why
   */
  constructor(api, told) {
    this.api = api;
    this.told = told;
    document.addEventListener("visibilitychange", () => this.wake());
  }

  /** Poll from now on, until `stop`. */
  start() {
    this.stop();
    const stop = (this.#stop = new AbortController());
    this.#run(stop.signal);
  }

  /** Let go. */
  stop() {
    this.#stop?.abort();
    this.#stop = null;
    this.wake();
  }

  /** Ask at once. */
  wake() {
    this.#wake.abort();
  }

  /** Ask when the server knows of what has just been told. */
  soon() {
    this.#soon ||= setTimeout(() => {
      this.#soon = 0;
      this.wake();
    }, SOON_MILLISECONDS);
  }

  async #run(stopped) {
    let failures = 0;
    while (!stopped.aborted) {
      this.#wake = new AbortController();
      let wait = EVERY_MILLISECONDS;
      if (!document.hidden) {
        try {
          const found = await this.api.list("v1/streams", { limit: PAGE }, MOST_STREAMS);
          if (stopped.aborted) return;
          failures = 0;
          wait = Math.max(wait - since(found.at) * 1000, since(found.at) * 3000);
          this.told.answered(found);
        } catch (error) {
          if (stopped.aborted || error instanceof Denied) return;
          wait = Math.min(5000, AGAIN_MILLISECONDS * 2 ** failures++);
          wait = Math.max(wait, Math.min(30, error.retryAfter ?? 0) * 1000);
          this.told.failed(why(error));
        }
      }
      await pause(document.hidden ? 2 ** 31 - 1 : wait, this.#wake.signal);
    }
  }
}
