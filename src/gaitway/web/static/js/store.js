/**
 * Everything the page knows, as a value. `reduce(state, events)` gives the next value and changes nothing: an event is
 * `{kind, data, at}`, `kind` as the server names it ("verdict" for its unnamed ones), `at` ms of this machine's clock.
 */
import {extend} from "./trace.js";
import {ms} from "./time.js";

/** How long verdict changes are kept: as long as the signal they colour. */
const COLOURED = 13_000;

/** What the page knows before it heard anything. */
export const initial = Object.freeze({
  loaded: false,
  /** Server clock minus ours, ms. */
  skew: 0,
  /** device_id -> phone */
  phones: new Map(),
  /** address -> {reason, count, at} of what was turned away */
  refused: new Map(),
  /** The newest test push, {device, address, at}. */
  found: null,
  health: null,
});

const HANDLERS = {snapshot, verdict, signal, phone: changed, knock, health, beat};

/** The state after some events, in order. Unknown kinds are left to newer pages. */
export function reduce(state, events) {
  const next = {...state, phones: new Map(state.phones), refused: new Map(state.refused)};
  for (const event of events) HANDLERS[event.kind]?.(next, event.data ?? {}, event.at);
  return next;
}

/** The server's clock at a moment of ours, ms. */
function serverTime(state, at) {
  return at + state.skew;
}

function snapshot(next, data, at) {
  beat(next, data, at);
  const before = next.phones;
  next.phones = new Map();
  for (const row of data.phones ?? []) {
    const known = next.phones.get(row.device_id);
    if (known && known.lastReceived > (ms(row.last_received) ?? 0)) continue;
    const old = before.get(row.device_id);
    next.phones.set(
      row.device_id,
      merged(old?.session === row.session_id ? old : empty(row, serverTime(next, at)), row),
    );
  }
  next.refused = new Map();
  for (const row of data.knocks ?? []) turnedAway(next, row, at);
  if (data.health !== undefined) next.health = data.health;
  next.loaded = true;
}

/** One phone's facts changed: counts, name, state. A recording that is not the phone's newest is left alone. */
function changed(next, row, at) {
  const old = next.phones.get(row.device_id);
  const other = old && row.session_id && row.session_id !== old.session;
  if (other && (ms(row.last_received) ?? 0) < (old.lastReceived ?? 0)) return;
  next.phones.set(row.device_id, merged(old && !other ? old : inherit(empty(row, serverTime(next, at)), old), row));
}

function verdict(next, data, at) {
  const phone = heard(next, data, at);
  if (phone === null) return;
  const end = ms(data.window_end);
  const same = data.activity === phone.activity && phone.since !== null;
  const turns = same ? phone.turns : [...phone.turns, {from: end, activity: data.activity}];
  next.phones.set(data.device_id, {
    ...phone,
    activity: data.activity,
    confidence: data.confidence ?? 0,
    coverage: data.coverage ?? phone.coverage,
    since: same ? phone.since : end,
    lastEvent: later(phone.lastEvent, end),
    turns: recent(turns, end),
  });
}

function signal(next, data, at) {
  const phone = heard(next, data, at);
  if (phone === null) return;
  const trace = extend(phone.trace, ms(data.t0), data.step_ms, data.a ?? []);
  next.phones.set(data.device_id, {...phone, trace, lastEvent: later(phone.lastEvent, trace?.end ?? null)});
}

/** The phone of a live event, marked as heard now; null when the event is of a recording that another one replaced. */
function heard(next, data, at) {
  const now = serverTime(next, at);
  const old = next.phones.get(data.device_id);
  if (!old) return {...empty(data, now), lastReceived: now};
  if (old.session === data.session_id) return {...old, lastReceived: now, stopped: false, messages: old.messages + 1};
  if (old.lastReceived !== null && now - old.lastReceived < 5000 && !old.stopped) return null;
  return {...inherit(empty(data, now), old), lastReceived: now};
}

function knock(next, data, at) {
  if (data.kind === "found") next.found = {device: data.device_id ?? null, address: data.address ?? null, at};
  else turnedAway(next, data, at);
}

function turnedAway(next, row, at) {
  const last = ms(row.last ?? null);
  next.refused.set(row.address, {
    reason: row.reason ?? "token",
    count: row.count ?? 1,
    at: last === null ? at : last - next.skew,
  });
}

function health(next, data) {
  next.health = data;
}

function beat(next, data, at) {
  const now = ms(data.now ?? null);
  if (now !== null) next.skew = now - at;
}

/** A phone of which nothing is known but its ids; `now` is the server's clock. */
function empty(row, now) {
  return {
    id: row.device_id,
    session: row.session_id ?? null,
    name: null,
    model: null,
    platform: null,
    simulated: false,
    stopped: false,
    stoppedAt: null,
    recorded: null,
    moving: null,
    parts: null,
    activity: null,
    confidence: 0,
    coverage: null,
    since: null,
    lastEvent: null,
    lastReceived: null,
    rate: null,
    battery: null,
    lost: 0,
    late: 0,
    twice: 0,
    setAside: 0,
    trace: null,
    turns: [],
    messages: 1,
    firstHeard: now,
  };
}

/** A new recording of a phone that is known: who it is stays, what was counted starts again. */
function inherit(phone, old) {
  if (!old) return phone;
  const {name, model, platform, simulated, battery, lastReceived} = old;
  return {...phone, name, model, platform, simulated, battery, lastReceived};
}

/** Server field -> ours, with what to do to the value. A field that is not sent changes nothing. */
const FIELDS = [
  ["session_id", "session"],
  ["name", "name"],
  ["model", "model"],
  ["platform", "platform"],
  ["simulated", "simulated"],
  ["activity", "activity"],
  ["confidence", "confidence"],
  ["coverage", "coverage"],
  ["since", "since", ms],
  ["last_reading", "lastEvent", ms],
  ["last_received", "lastReceived", ms],
  ["lost", "lost"],
  ["late", "late"],
  ["twice", "twice"],
  ["set_aside", "setAside"],
  ["readings_per_second", "rate"],
  ["battery", "battery"],
  ["state", "stopped", (state) => state === "stopped"],
  ["stopped_at", "stoppedAt", ms],
  ["recorded_s", "recorded"],
  ["moving_s", "moving"],
  ["parts", "parts"],
];

function merged(old, row) {
  const phone = {...old};
  for (const [theirs, ours, read] of FIELDS) {
    if (row[theirs] !== undefined) phone[ours] = read ? read(row[theirs]) : row[theirs];
  }
  phone.lastReceived = later(old.lastReceived, phone.lastReceived);
  if (phone.activity && phone.turns.at(-1)?.activity !== phone.activity) {
    phone.turns = [...phone.turns, {from: phone.since ?? 0, activity: phone.activity}];
  }
  return phone;
}

function later(a, b) {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}

/** Changes of verdict that still colour something: those of the last seconds and the one before them. */
function recent(turns, end) {
  const first = turns.findLastIndex((turn) => turn.from <= end - COLOURED);
  return first > 0 ? turns.slice(first) : turns;
}
