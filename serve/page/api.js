/** The HTTP API as the page uses it: a key where one is needed, problems as errors, lists page by page. */

import { heed, mark } from "./clock.js";
import { plain } from "./words.js";

const KEPT = "sightline.key";
const ANSWER_MILLISECONDS = 6000;

/** The API wants a key, or another one. */
export class Denied extends Error {}

/** The API answered, but not with what was asked for. */
export class Problem extends Error {
  /**
   * @param {string} message what the API said
   * @param {number} status of HTTP
   * @param {number} retryAfter seconds to leave it alone
   */
  constructor(message, status, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/** Asks the API. Tells `denied` (an Event) when a key is missing or refused. */
export class Api extends EventTarget {
  /** @returns {string | null} the key of this tab */
  get key() {
    return sessionStorage.getItem(KEPT);
  }

  /** @param {string | null} key to use from now on */
  set key(key) {
    if (key === null) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, key);
  }

  /**
   * A response whose body is still to be read.
   * @param {string} path below the page's own, as `v1/streams`
   * @param {{query?: object, headers?: object, signal?: AbortSignal}} [how] a query's value may be a list
   * @returns {Promise<Response>}
   * @throws {Denied | Problem | TypeError} the last where the server cannot be reached
   */
  async open(path, { query = {}, headers = {}, signal } = {}) {
    const url = new URL(path, document.baseURI);
    for (const [name, value] of Object.entries(query)) {
      for (const one of [value].flat()) url.searchParams.append(name, one);
    }
    const used = this.key;
    if (used !== null) headers = { ...headers, Authorization: `Bearer ${used}` };
    const sent = Date.now();
    const response = await fetch(url, { headers, signal, cache: "no-store", redirect: "error" });
    heed(response.headers.get("Date"), sent);
    if (response.ok) return response;
    if (response.status === 401) {
      if (used === this.key) this.dispatchEvent(new Event("denied"));
      throw new Denied("the server asks for a key");
    }
    throw await problem(response);
  }

  /**
   * A JSON document.
   * @param {string} path as for `open`
   * @param {object} [query] as for `open`
   * @returns {Promise<{body: any, at: object}>} with the moment it was asked for
   */
  async get(path, query) {
    const at = mark();
    const response = await this.open(path, { query, signal: AbortSignal.timeout(ANSWER_MILLISECONDS) });
    return { body: await response.json(), at };
  }

  /**
   * The items of a list, over its pages.
   * @param {string} path as for `open`
   * @param {object} query as for `open`
   * @param {number} most items; what is beyond is left out
   * @returns {Promise<{items: object[], more: boolean, at: object}>} `at`: when the first page was asked for
   */
  async list(path, query, most) {
    const items = [];
    let first = null;
    let cursor = null;
    do {
      const { body, at } = await this.get(path, cursor === null ? query : { ...query, cursor });
      first ??= at;
      for (const item of body.items) items.push(item);
      cursor = body.next;
    } while (cursor !== null && items.length < most);
    return { items, more: cursor !== null, at: first };
  }
}

async function problem(response) {
  const wait = Number(response.headers.get("Retry-After"));
  let said = `HTTP status ${response.status}`;
  try {
    said = plain((await response.json()).detail ?? said, 300);
  } catch {
    // a proxy's page: the status says enough
  }
  return new Problem(said, response.status, Number.isFinite(wait) ? wait : 0);
}

/**
 * Why something failed, for a person.
 * @param {unknown} error of any call here
 * @returns {string}
 */
export function why(error) {
  if (error instanceof Problem) return `the server says: ${error.message}`;
  if (error?.name === "TimeoutError") return "the server does not answer";
  return error instanceof Denied ? error.message : "the server cannot be reached";
}
