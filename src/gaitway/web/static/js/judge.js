/** Which state a phone is in, by rule, from what is known and the server's clock. Pure. */

/** ms without a reading after which a phone is late to arrive, silent, and assumed to have stopped. */
const LATE = 5_000;
export const SILENT = 15_000;
const ASSUMED = 600_000;
/** ms in which "cannot tell" says nothing yet: a window has to fill first. */
const YOUNG = 10_000;
/** ms for which a refused knock is shown. */
const KNOCK = 60_000;

/**
 * "live", "late" (to arrive), "starting" (no verdict yet), "silent", "stopped" or "assumed" (stopped, by silence).
 * "Cannot tell" is a verdict, not a state: a live phone whose activity is unknown.
 */
export function stateOf(phone, now) {
  if (phone.stopped) return "stopped";
  const age = ageOf(phone, now);
  if (age > ASSUMED) return "assumed";
  if (age > SILENT) return "silent";
  if (phone.activity === null) return "starting";
  return age > LATE ? "late" : "live";
}

/** ms since the newest reading arrived; Infinity when none is known. */
export function ageOf(phone, now) {
  return phone.lastReceived === null ? Infinity : Math.max(0, now - phone.lastReceived);
}

/** Whether a state counts as live in the sentence on top. */
export function isLive(state) {
  return state === "live" || state === "late" || state === "starting";
}

/** Whether there is a verdict worth showing; a new phone cannot be told for its first seconds. */
export function judged(phone, now) {
  if (phone.activity === "unknown") return now - phone.firstHeard > YOUNG;
  return phone.activity !== null;
}

/** How long the activity has lasted, ms: told in the phone's own time, so that a replayed recording tells its own. */
export function heldFor(phone, now) {
  if (phone.since === null || phone.lastEvent === null) return null;
  return Math.max(0, phone.lastEvent - phone.since) + ageOf(phone, now);
}

/** What is being turned away now: [{address, reason, count}], by address. `at` is ms of this machine's clock. */
export function knocking(state, at) {
  return [...state.refused]
    .filter(([, knock]) => at - knock.at < KNOCK)
    .map(([address, {reason, count}]) => ({address, reason, count}))
    .sort((a, b) => a.address.localeCompare(b.address));
}

/** The likeliest cause of a phone's silence that there is a sign of: {cause, ...evidence}. */
export function causeOf(phone, phones, now) {
  if (phone.battery !== null && percent(phone.battery) <= 5) return {cause: "battery", percent: percent(phone.battery)};
  const together = [...phones].filter(
    (other) => stateOf(other, now) === "silent" && Math.abs(other.lastReceived - phone.lastReceived) <= 5_000,
  ).length;
  if (together >= 3) return {cause: "network", phones: together};
  if (phone.platform === "android") return {cause: "asleep"};
  return {cause: "none"};
}

/** A battery level as whole percent; the app sends a share of 1. */
function percent(level) {
  return Math.round(level <= 1 ? level * 100 : level);
}

/** Phones as the page orders them: by name, numbers by value, then by id, so that nothing jumps. */
export function byName(a, b) {
  return a.name.localeCompare(b.name, "en", {numeric: true}) || (a.id < b.id ? -1 : 1);
}
