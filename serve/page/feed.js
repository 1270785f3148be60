/** Events as they are committed: server-sent events read by `fetch`, so that a key can be sent in a header. */

import { Denied, why } from "./api.js";
import { mark, pause, since } from "./clock.js";

/** The server sends a comment each 15 s; after this long in silence the connection is taken for dead. */
const SILENCE_MILLISECONDS = 20_000;
/** A connection that held so long was a good one: the next one is tried soon. */
const STEADY_SECONDS = 10;
const SHORTEST_MILLISECONDS = 500;
const LONGEST_MILLISECONDS = 10_000;

/** Puts the lines of server-sent events together. */
export class Frames {
  #rest = "";
  #frame = { event: "message", id: null, data: [] };

  /**
   * Take what has come.
   * @param {string} text any piece of the stream
   * @returns {{event: string, id: string | null, data: string}[]} the frames that are whole now
   */
  push(text) {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop();
    const whole = [];
    for (const line of lines) {
      if (line !== "") this.#field(line);
      else {
        whole.push({ ...this.#frame, data: this.#frame.data.join("\n") });
        this.#frame = { event: "message", id: null, data: [] };
      }
    }
    return whole;
  }

  #field(line) {
    const colon = line.indexOf(":");
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.#frame.data.push(value);
    else if (name === "event" || name === "id") this.#frame[name] = value;
  }
}

/** Follows `/v1/events`, and comes back with the last id that it had, so that nothing is missed. */
export class Feed {
  #last = null;
  #tries = 0;
  #stop = null;
  #wake = new AbortController();

  /**
   * @param {import("./api.js").Api} api where it is
   * @param {object} told functions: `begun` at each connection (may be async), `event` with a FeedEvent, `cut` with why
   */
  constructor(api, told) {
    this.api = api;
    this.told = told;
  }

  /**
   * Follow from now on, until `stop`.
   * @param {object} query which events
   */
  start(query) {
    this.stop();
    const stop = (this.#stop = new AbortController());
    this.#run(query, stop.signal);
  }

  /** Let go. */
  stop() {
    this.#stop?.abort();
    this.#stop = null;
    this.wake();
  }

  /** Come back at once, if it is waiting to. */
  wake() {
    this.#wake.abort();
  }

  async #run(query, stopped) {
    while (!stopped.aborted) {
      const began = mark();
      let wait = 0;
      try {
        await this.#read(query, stopped);
        if (!stopped.aborted) this.told.cut("the server ended the feed");
      } catch (error) {
        if (stopped.aborted || error instanceof Denied) return;
        this.told.cut(why(error));
        wait = (error.retryAfter ?? 0) * 1000;
      }
      if (since(began) > STEADY_SECONDS) this.#tries = 0;
      const longer = Math.min(LONGEST_MILLISECONDS, SHORTEST_MILLISECONDS * 2 ** this.#tries++);
      this.#wake = new AbortController();
      await pause(Math.max(wait, longer * (0.75 + Math.random() / 2)), this.#wake.signal);
    }
  }

  async #read(query, stopped) {
    const silence = new AbortController();
    let timer = 0;
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(new DOMException("silence", "TimeoutError")), SILENCE_MILLISECONDS);
    };
    heard();
    try {
      const headers = this.#last === null ? {} : { "Last-Event-ID": this.#last };
      const signal = AbortSignal.any([stopped, silence.signal]);
      const response = await this.api.open("v1/events", { query, headers, signal });
      const frames = new Frames();
      let begun = null;
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let part = await reader.read(); !part.done; part = await reader.read()) {
        heard();
        for (const frame of frames.push(part.value)) this.#take(frame);
        begun ??= this.#begun(silence);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #begun(silence) {
    try {
      await this.told.begun();
    } catch (error) {
      silence.abort(error);
    }
  }

  #take(frame) {
    if (frame.id !== null) this.#last = frame.id;
    if (frame.data === "") return;
    try {
      this.told.event(JSON.parse(frame.data));
    } catch (error) {
      console.error("an event that this page cannot read", frame.id, error);
    }
  }
}
