/** What the page says: the design's exact sentences, from values. Pure; no node is touched here. */
import {ageOf, causeOf, heldFor, isLive, stateOf} from "./judge.js";
import {ago, clockSeconds, duration, moment, short} from "./time.js";

export const LABELS = {
  stationary: "Stationary",
  walking: "Walking",
  running: "Running",
  sprinting: "Sprinting",
  vehicle: "Vehicle",
  unknown: "Cannot tell",
};

const NUMBERS = (
  "no one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen " +
  "eighteen nineteen twenty"
).split(" ");

const figure = new Intl.NumberFormat("en-GB");

/** 297 or 1,533. */
export const number = (value) => figure.format(Math.round(value));

/** What a phone is called: its name, else what is known of it. */
export function nameOf(phone) {
  const kinds = {ios: "iPhone", android: "Android phone"};
  return phone.name || phone.model || kinds[phone.platform] || `Phone ${phone.id.slice(0, 4)}`;
}

function words(count) {
  return NUMBERS[count] ?? number(count);
}

function capital(sentence) {
  return sentence[0].toUpperCase() + sentence.slice(1);
}

/** "Five phones live". */
export function headline(live) {
  return capital(`${words(live)} ${live < 2 ? "phone" : "phones"} live`);
}

/**
 * The sentence under the headline, as pieces {text, href?}: "One is silent and one is being turned away. One stopped
 * recording at 14:19." Empty when there is nothing to say. `cards` are {id, state, phone}; `hrefOf(id)` leads to a card.
 */
export function trouble(cards, refused, now, hrefOf) {
  const silent = cards.filter((card) => card.state === "silent");
  const stopped = cards.filter((card) => card.state === "stopped" || card.state === "assumed");
  const parts = [
    clause(silent.length, "", "silent", silent[0] && hrefOf(silent[0].id)),
    clause(refused.length, " being", "turned away", "#first"),
  ].filter((part) => part.length > 0);
  const pieces = parts.flatMap((one, i) => (i ? [{text: " and "}, ...one] : one));
  if (pieces.length) {
    pieces[0] = {text: capital(pieces[0].text)};
    pieces.push({text: ". "});
  }
  if (stopped.length) pieces.push({text: `${capital(words(stopped.length))} stopped recording${when(stopped, now)}.`});
  return pieces;
}

function clause(count, being, linked, href) {
  return count === 0 ? [] : [{text: `${words(count)} ${count === 1 ? "is" : "are"}${being} `}, {text: linked, href}];
}

function when(stopped, now) {
  const time = stopped.length === 1 ? (stopped[0].phone.stoppedAt ?? stopped[0].phone.lastReceived) : null;
  return time === null ? "" : ` at ${moment(time, now)}`;
}

/**
 * Everything a card shows: {state, act, sure, title, strong, line, why, ground, chip, badges}. `small` cards say less.
 * `ground` is what lies at the bottom: "spark", "flat" (nothing came) or "parts".
 * `now` may stand still (a lost connection); the age of the last reading goes on by `clock`.
 */
export function card(phone, {phones, now, clock = now, small = false}) {
  const state = stateOf(phone, now);
  const shown = {
    state,
    act: "none",
    sure: 0,
    strong: "",
    line: "",
    why: "",
    chip: chip(phone, state, clock),
    badges: badges(phone),
  };
  const say = {live: verdict, late: verdict, starting, silent, stopped, assumed: stopped}[state];
  return {...shown, ground: "spark", ...say(phone, {now, small, state, phones})};
}

function verdict(phone, {now, small}) {
  const held = heldFor(phone, now);
  const time = held === null ? "" : `for ${small ? short(held) : duration(held)}`;
  if (phone.activity === "unknown") return {act: "unknown", title: LABELS.unknown, line: time, why: whyUnknown(phone)};
  return {
    act: phone.activity,
    sure: phone.confidence,
    title: LABELS[phone.activity] ?? phone.activity,
    strong: `${Math.round(phone.confidence * 100)}%`,
    line: time ? ` sure, ${time}` : " sure",
  };
}

function whyUnknown(phone) {
  if (phone.coverage !== null && phone.coverage < 0.5) {
    const share = Math.round(phone.coverage * 100);
    return `${share}% of the last 10 seconds arrived. Gaitway needs half of them to say anything.`;
  }
  if (phone.rate !== null && phone.rate < 15) return `Only ${number(phone.rate)} readings a second; 15 are needed.`;
  return "Unlike anything it has learned.";
}

function starting(phone, {now}) {
  if (now - phone.firstHeard < 15_000) return {title: "Receiving", line: "First verdict in a moment."};
  return {
    act: "unknown",
    title: LABELS.unknown,
    why: "Readings arrive, but no acceleration among them. Turn on the accelerometer in the app.",
  };
}

function silent(phone, {now, small, phones}) {
  const was = LABELS[phone.activity] && phone.activity !== "unknown" ? `, was ${phone.activity}` : "";
  const age = ageOf(phone, now);
  return {
    title: "No data",
    ground: "flat",
    why: CAUSES[causeOf(phone, phones, now).cause](causeOf(phone, phones, now)),
    line: small ? `for ${short(age)}` : `for ${duration(age)}${was}`,
  };
}

const CAUSES = {
  battery: ({percent}) => `Probably the battery: it was at ${percent}%.`,
  network: ({phones}) => `Probably the network: ${phones} phones fell silent within 5 s.`,
  asleep: () =>
    "Perhaps the app is asleep in the background: Android stops long recordings unless the app may run unrestricted.",
  none: () => "No sign why. Look at the phone.",
};

function stopped(phone, {now, small, state}) {
  const time = moment(phone.stoppedAt ?? phone.lastReceived ?? now, now);
  const assumed = state === "assumed";
  const at = assumed ? `Ended at ${time}, assumed` : `Recording ended at ${time}`;
  return {
    title: "Stopped",
    line: small ? `at ${time}` : at,
    why: recorded(phone),
    ground: phone.parts ? "parts" : "none",
  };
}

function recorded(phone) {
  if (phone.recorded === null) return "";
  const moving = phone.moving === null ? "" : `, ${duration(phone.moving * 1000)} of it moving`;
  return `${duration(phone.recorded * 1000)} recorded${moving}.`;
}

function chip(phone, state, now) {
  if (state === "silent") return {state, icon: "warn", text: "Silent"};
  if (state === "stopped" || state === "assumed") return {state: "stopped", icon: "pause", text: "Stopped"};
  return {state: state === "late" ? "late" : "live", icon: null, text: ago(ageOf(phone, now))};
}

/** [{text, icon, title, dashed}], only what is above 0. */
function badges(phone) {
  return [
    phone.simulated && {text: "simulated", dashed: true, title: "Not a real phone"},
    phone.lost > 0 && {text: `${number(phone.lost)} lost`, icon: "warn", title: "Messages that never arrived"},
    phone.late > 0 && {
      text: `${number(phone.late)} late`,
      title: "Readings that came late; their windows were revised",
    },
    phone.twice > 0 && {text: `${number(phone.twice)} twice`, title: "Messages that came again; counted once"},
    phone.setAside > 0 && {text: `${number(phone.setAside)} set aside`, title: "Readings that could not be used"},
  ].filter(Boolean);
}

const REASONS = {
  token: "Wrong token",
  bound: "A token of another phone",
  body: "A message that could not be read",
  too_large: "A message that is too large",
  quota: "Too many messages",
};

/** What a refusal is called: the server's short word, in ours. */
export function reason(word) {
  return REASONS[word] ?? capital(word.replaceAll("_", " "));
}

/** The words of a card for an address that is turned away. */
export function turnedAway({address, reason: word, count}) {
  const tells = word === "token" || word === "bound" ? " The app tells its user." : "";
  return `${reason(word)} from ${address}, ${times(count)} in the last minute.${tells}`;
}

/** "once", "twice", "14 times". */
export function times(count) {
  return {1: "once", 2: "twice"}[count] ?? `${number(count)} times`;
}

/** What a screen reader is told of a phone, or null for states that are not worth a word. */
export function spoken(phone, state) {
  const name = nameOf(phone);
  if (isLive(state)) return phone.activity === null ? null : `${name}: ${LABELS[phone.activity] ?? phone.activity}`;
  return `${name}: ${state === "silent" ? "No data" : "Stopped"}`;
}

/** The banner of a lost connection, in two pieces: what stays, and the countdown. */
export function lost(heardAt, seconds) {
  const stood = heardAt === null ? "" : ` This is how things stood at ${clockSeconds(heardAt)}.`;
  return [`Connection to Gaitway lost.${stood}`, seconds > 0 ? `Trying again in ${seconds} s.` : "Trying again now."];
}

/** What is wrong with the server itself, as {bad, what, next}, or null. `health` is the server's event of that name. */
export function alarm(health) {
  if (health?.full) return notRecording(health.full, health.free_needed);
  if (health?.engine_connected !== false) return null;
  return {
    bad: false,
    what: "Verdicts pause",
    next: "The part that recognises is starting again. Readings are kept meanwhile; nothing is lost.",
  };
}

function notRecording(why, bytes) {
  if (!/disk is full|of disk/i.test(why))
    return {bad: true, what: `Not recording: ${why}`, next: "Phones are told to try again."};
  const free = bytes ? `Free ${number(Math.ceil(bytes / 1e6))} MB` : "Free some space";
  return {
    bad: true,
    what: "Not recording: the disk is full",
    next: `Phones are told to try again. ${free} and it goes on by itself.`,
  };
}
