/** Time: spans that survive a laptop's sleep, and the server's time of day. */

let ahead = 0;

/**
 * A moment to count from.
 * @returns {{wall: number, run: number}} by both of the browser's clocks
 */
export function mark() {
  return { wall: Date.now(), run: performance.now() };
}

/**
 * Seconds since a moment. One clock may stand still while the machine sleeps, the other may be set back: the one that
 * says more is believed, so that nothing looks newer than it is.
 * @param {{wall: number, run: number}} moment of `mark`
 * @returns {number} seconds
 */
export function since(moment) {
  return Math.max(0, Date.now() - moment.wall, performance.now() - moment.run) / 1000;
}

/**
 * Learn the server's time of day from a response. Its header has whole seconds, so less than one is no news.
 * @param {string | null} date the header `Date`
 * @param {number} sent when it was asked for, by `Date.now()`
 */
export function heed(date, sent) {
  const told = Date.parse(date ?? "");
  if (Number.isNaN(told)) return;
  const found = told + 500 - (sent + Date.now()) / 2;
  if (Math.abs(found - ahead) > 1000) ahead = found;
}

/**
 * The server's time of day.
 * @returns {number} milliseconds, as `Date.now()` has them
 */
export function serverNow() {
  return Date.now() + ahead;
}

/**
 * Wait.
 * @param {number} milliseconds how long
 * @param {AbortSignal} [signal] ends the wait early; it is no error
 * @returns {Promise<void>}
 */
export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const timer = setTimeout(done, milliseconds);
    signal?.addEventListener("abort", done, { once: true });
    function done() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    }
  });
}
