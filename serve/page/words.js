/** How things are put: states, spans, times. Everything that comes from elsewhere passes `plain`. */

/** Seconds after which a live stream without a new frame is not called healthy, whatever its state says. */
export const LATE_SECONDS = 20;

/** Groups of streams, the worst first: [key, word, tone]. */
export const GROUPS = [
  ["failed", "Failed", "bad"],
  ["quarantined", "Quarantined", "bad"],
  ["stalled", "Stalled", "bad"],
  ["late", "No new frames", "bad"],
  ["critical", "With critical", "bad"],
  ["warning", "With warning", "warn"],
  ["partial", "Cut short", "warn"],
  ["starting", "Starting", "idle"],
  ["pending", "Pending", "idle"],
  ["running", "Healthy", "good"],
  ["completed", "Completed", "idle"],
  ["stopped", "Stopped", "idle"],
].map(([key, word, tone], rank) => ({ key, word, tone, rank }));

const BY_KEY = new Map(GROUPS.map((group) => [group.key, group]));
const STATES = {
  failed: "Failed", quarantined: "Quarantined", stalled: "Stalled", partial: "Cut short", starting: "Starting",
  pending: "Pending", running: "Running", completed: "Completed", stopped: "Stopped",
};
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;
const NUMBER = new Intl.NumberFormat("en");
const CLOCK = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat("en", { day: "numeric", month: "short" });

/**
 * The group a stream belongs to.
 * @param {object} stream a StreamState
 * @param {number | null} age of its newest frame, in seconds
 * @param {string | null} worst severity of its open incidents
 * @param {boolean} stalls whether an incident says so of which its state may not know yet
 * @returns {{key: string, word: string, tone: string, rank: number}} one of `GROUPS`
 */
export function groupOf(stream, age, worst, stalls) {
  const known = BY_KEY.get(stream.status) ?? BY_KEY.get("failed");
  if (stalls && (known.key === "running" || known.key === "starting")) return BY_KEY.get("stalled");
  if (known.key !== "running") return known;
  if (stream.live && (age === null || age > LATE_SECONDS)) return BY_KEY.get("late");
  return BY_KEY.get(worst) ?? known;
}

/**
 * A stream's state in a word or two.
 * @param {object} stream a StreamState
 * @param {{key: string, word: string}} group of `groupOf`
 * @returns {string}
 */
export function stateOf(stream, group) {
  return group.key === "late" || group.key === "stalled" ? group.word : STATES[stream.status] ?? plain(stream.status, 40);
}

/**
 * Text from elsewhere, with what is invisible or turns the direction of writing made visible.
 * @param {unknown} text anything
 * @param {number} [most] characters
 * @returns {string}
 */
export function plain(text, most = 500) {
  const whole = String(text ?? "");
  return (whole.length > most ? `${whole.slice(0, most)}…` : whole).replace(CONTROLS, "\ufffd");
}

/**
 * A span of time in words.
 * @param {number} seconds at least 0
 * @param {boolean} [exact] with tenths below ten seconds
 * @returns {string}
 */
export function span(seconds, exact = false) {
  if (exact && seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.floor(Math.max(0, seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole / 60) % 60).padStart(2, "0")} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor(whole / 3600) % 24} h`;
}

/**
 * A place in a stream.
 * @param {number | null} seconds stream time
 * @returns {string} h:mm:ss
 */
export function place(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  const whole = Math.floor(Math.abs(seconds));
  const two = (value) => String(value).padStart(2, "0");
  return `${seconds < 0 ? "-" : ""}${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
}

/**
 * A time of day, with the day where it is not today.
 * @param {string | number} when a time that `Date` reads
 * @returns {string}
 */
export function clock(when) {
  const date = new Date(when);
  if (Number.isNaN(date.getTime())) return "–";
  const today = date.toDateString() === new Date().toDateString();
  return today ? CLOCK.format(date) : `${DAY.format(date)} ${CLOCK.format(date)}`;
}

/**
 * A number with its thousands apart.
 * @param {number} value any
 * @returns {string}
 */
export function number(value) {
  return NUMBER.format(value);
}

/**
 * A number of things.
 * @param {number} count how many
 * @param {string} one the word for one
 * @param {string} [many] the word for more
 * @returns {string}
 */
export function counted(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`;
}
