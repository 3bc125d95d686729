/** The page: one state, one connection, one view at a time. */
import {FirstView} from "./first.js";
import {isLive, judged, stateOf} from "./judge.js";
import {Link} from "./link.js";
import {LiveView} from "./live.js";
import {schemeButton} from "./scheme.js";
import {caughtUp, lockedView, say, showBanner, showLink, showTitle} from "./shell.js";
import {initial, reduce} from "./store.js";
import {spoken} from "./words.js";

const main = document.getElementById("main");
const still = matchMedia("(prefers-reduced-motion: reduce)");

let state = initial;
let status = {state: "connecting", heardAt: null, retryAt: null};
let view = null;
let kind = null;
/** Since when the connection has been lost, ms; null while it is not. */
let lostAt = null;
/** phone id -> what was last said of it */
const said = new Map();

const link = new Link(
  (events) => {
    state = reduce(state, events);
    if (lostAt !== null && events.some((event) => event.kind === "snapshot")) back(events[0].at);
    render();
  },
  (next) => {
    status = next;
    if (status.state === "lost" || status.state === "asleep") lostAt ??= status.heardAt;
    if (status.state === "open") render();
    else show();
  },
);

function back(at) {
  if (at - lostAt > 1000) caughtUp(at - lostAt);
  lostAt = null;
}

/** A lost connection freezes the page at the moment of the last thing heard. */
function moment() {
  const frozen = lostAt !== null;
  const at = frozen ? lostAt : Date.now();
  return {at, now: at + state.skew, clock: Date.now() + state.skew, frozen};
}

function render() {
  show();
  announce();
}

function show() {
  showLink(status);
  showBanner(status, Date.now());
  choose();
  view?.update?.(state, moment());
}

/** Which view: as the address says; the first run while no phone is known, until its first verdict. */
function choose() {
  const [hash, id] = location.hash.slice(1).split("/");
  const wanted = status.state === "locked" ? "locked" : hash === "first" || firstRun() ? "first" : "live";
  if (wanted !== kind) open(wanted);
  if (kind === "live" && id !== undefined && choose.found !== location.hash) view.wanted = decodeURIComponent(id);
  choose.found = location.hash;
}

function firstRun() {
  if (!state.loaded) return kind === "first";
  if (state.phones.size === 0) return true;
  if (kind !== "first" || location.hash === "#live") return false;
  const {now} = moment();
  return ![...state.phones.values()].some((phone) => judged(phone, now)) || view.typing();
}

function open(next) {
  view?.close?.();
  const moved = kind !== null;
  kind = next;
  if (kind === "locked") view = {el: lockedView(status.heardAt !== null)};
  else view = kind === "first" ? new FirstView(state, Date.now(), named) : new LiveView(named);
  main.replaceChildren(view.el);
  for (const item of document.querySelectorAll("[data-nav]")) {
    if (item.dataset.nav === kind) item.setAttribute("aria-current", "page");
    else item.removeAttribute("aria-current");
  }
  if (moved) {
    scrollTo(0, 0);
    main.focus({preventScroll: true});
  }
}

/** A name holds at once; the server tells every page. */
function named(id, name) {
  state = reduce(state, [{kind: "phone", data: {device_id: id, name}, at: Date.now()}]);
  render();
}

/** Tells screen readers what changed, and puts the one live phone into the title. */
function announce() {
  const {now, frozen} = moment();
  if (frozen || !state.loaded) return;
  const live = [...state.phones.values()].filter((phone) => isLive(stateOf(phone, now)));
  showTitle(live.length === 1 && live[0].activity !== null ? live[0] : null);
  for (const phone of state.phones.values()) {
    const words = spoken(phone, stateOf(phone, now));
    if (words !== null && said.has(phone.id) && said.get(phone.id) !== words) say(phone.id, words);
    if (words !== null) said.set(phone.id, words);
  }
}

schemeButton(document.getElementById("scheme"));
document.getElementById("retry").addEventListener("click", () => link.retry());
addEventListener("hashchange", show);
setInterval(() => document.hidden || render(), still.matches ? 1000 : 250);
link.start();
show();
