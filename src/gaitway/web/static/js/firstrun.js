/** Where a first run stands, as a value: from the state, and from what was known when the view opened. Pure. */
import {SILENT, ageOf, judged, knocking} from "./judge.js";
import {LABELS, number, reason, times} from "./words.js";

/** ms after which waiting becomes "still waiting". */
const LONG = 60_000;

/** What to remember of a state when the view opens: the recordings that are not news. `at` is this machine's clock. */
export function entry(state, at) {
  return {at, known: new Set([...state.phones.values()].map(recording)), simulated: null, starting: false};
}

function recording(phone) {
  return `${phone.id} ${phone.session}`;
}

/**
 * {phase, phone}: "waiting", "long" (a minute), "refused", "starting" (a simulated one), "found", "receiving" or
 * "judged" (its first verdict is there). `phone` is the phone it is about, where one is known.
 */
export function standing(state, began, at) {
  const phone = newcomer(state, began);
  const now = at + state.skew;
  if (phone !== null && ageOf(phone, now) <= SILENT) return {phase: judged(phone, now) ? "judged" : "receiving", phone};
  if (began.starting) return {phase: "starting", phone: null};
  if (began.simulated !== null || (state.found !== null && state.found.at >= began.at)) return {phase: "found", phone};
  if (knocking(state, at).length) return {phase: "refused", phone: null};
  return {phase: at - began.at >= LONG ? "long" : "waiting", phone: null};
}

/** The phone this run is about: the simulated one, the one of the test push, or the newest recording that is news. */
function newcomer(state, began) {
  if (began.simulated !== null) return state.phones.get(began.simulated) ?? null;
  const tested = state.found?.at >= began.at ? state.phones.get(state.found.device) : undefined;
  const news = [...state.phones.values()].filter((phone) => !began.known.has(recording(phone)) && !phone.stopped);
  return tested && news.includes(tested)
    ? tested
    : (news.sort((a, b) => b.firstHeard - a.firstHeard)[0] ?? tested ?? null);
}

/** Title and text of a standing. `setup` may not be there yet. */
export function told({phase, phone}, state, at, setup) {
  switch (phase) {
    case "long":
      return ["Still waiting", "A minute has passed. Is the phone on the same Wi-Fi as this laptop?"];
    case "refused":
      return turnedAway(knocking(state, at)[0]);
    case "starting":
      return ["Starting a simulated phone", "It speaks the app’s exact dialect."];
    case "found":
      return ["Phone found", "Its test push arrived. Start recording in the app and pocket the phone."];
    case "receiving":
      return [receiving(phone), "First verdict in a moment."];
    case "judged":
      return [receiving(phone), verdict(phone)];
    default:
      return ["Waiting for a phone", setup ? `Listening on ${listening(setup)}.` : ""];
  }
}

function listening({host, port}) {
  return port === null ? host : `${host}, port ${port}`;
}

function receiving(phone) {
  return phone.rate > 0 ? `Receiving ${number(phone.rate)} readings a second` : "Receiving readings";
}

function verdict(phone) {
  if (phone.activity === "unknown") return "It cannot tell yet what the phone is doing.";
  return `${LABELS[phone.activity]}, ${Math.round(phone.confidence * 100)}% sure.`;
}

function turnedAway({address, reason: word, count}) {
  const what = reason(word);
  const title = `Turned away: ${what[0].toLowerCase()}${what.slice(1)}`;
  return [
    title,
    `${address} tried ${times(count)} in the last minute. Scan the code again with that phone; the app shows its user the same advice.`,
  ];
}

/** How many of the four steps are proven, and which is next (-1: none). A simulated phone proves nothing of a real one. */
export function steps({phase, phone}, began) {
  if (began.simulated !== null || phone?.simulated) return {done: 0, next: -1};
  if (phase === "found") return {done: 3, next: 3};
  return phase === "receiving" || phase === "judged" ? {done: 4, next: -1} : {done: 0, next: -1};
}
