/** The frame around the views: link dot, banner, toast, live region, title and favicon. */
import {attr, h, icon, show, text} from "./dom.js";
import {copy} from "./copy.js";
import {LABELS, lost, nameOf} from "./words.js";

const $ = (id) => document.getElementById(id);
const STATES = {connecting: "Connecting", open: "Connected", lost: "Reconnecting", asleep: "Paused", locked: "Locked"};
const FAVICON = {walking: "#5FD1B6", running: "#FA9C34", sprinting: "#EC2A7E", vehicle: "#3F86EA"};
const SAY_EVERY = 5000;

/** A message at the bottom for 6 s. */
export function toast(message) {
  const node = $("toast");
  node.replaceChildren(h("span", {}, message));
  node.dataset.on = "";
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => delete node.dataset.on, 6000);
}

/** A button that copies what `value()` gives, and says so. */
export function copyButton(button, value) {
  button.addEventListener("click", async () => {
    toast((await copy(value())) ? "Copied" : "This browser does not let pages copy: select the text instead");
  });
}

/** The dot and word in the top bar, and the dimming of all that is frozen. */
export function showLink({state}) {
  attr($("link"), "data-s", state);
  text($("link-word"), STATES[state]);
  document.body.classList.toggle("frozen", state === "lost");
  document.body.classList.toggle("locked", state === "locked");
}

/** The banner of a lost connection, with its countdown. Screen readers hear the first piece once. */
export function showBanner(status, now) {
  const on = status.state === "lost";
  show($("banner"), on);
  if (!on) return;
  const [stood, next] = lost(status.heardAt, Math.ceil(Math.max(0, status.retryAt - now) / 1000));
  text($("banner-text"), stood);
  text($("banner-next"), next);
}

/** What a returned connection missed, as a toast. */
export function caughtUp(span) {
  const s = Math.round(span / 1000);
  toast(s > 0 ? `Caught up, ${s} s were missing.` : "Caught up, nothing is missing.");
}

const waiting = new Map();
let spokenAt = -Infinity;

/** Tells screen readers, at most once in 5 s and per phone only the newest. */
export function say(key, message) {
  waiting.delete(key);
  waiting.set(key, message);
  clearTimeout(say.timer);
  say.timer = setTimeout(speak, Math.max(0, spokenAt + SAY_EVERY - performance.now()));
}

function speak() {
  spokenAt = performance.now();
  text($("say"), [...waiting.values()].slice(-3).join(". "));
  waiting.clear();
}

/** Title, mark and favicon: of the one phone that is live, else the page's own. */
export function showTitle(phone) {
  const activity = phone?.activity ?? null;
  document.title = activity === null ? "Gaitway" : `${LABELS[activity]} – ${nameOf(phone)} – Gaitway`;
  attr($("brand"), "data-act", activity ?? "walking");
  const colour = activity === null ? FAVICON.walking : (FAVICON[activity] ?? "#87938D");
  if (showTitle.colour === colour) return;
  showTitle.colour = colour;
  $("favicon").href = `data:image/svg+xml,${encodeURIComponent(mark(colour))}`;
}

function mark(colour) {
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#16211D"/>' +
    '<path d="M5 23C5 18 9.6 18 9.6 23 9.6 14.6 17 14.6 17 23 17 8.4 26.6 8.4 26.6 21.4" fill="none" stroke="#fff" ' +
    `stroke-width="2.8" stroke-linecap="round"/><circle cx="26.6" cy="23.4" r="3" fill="${colour}"/></svg>`
  );
}

/** What a page shows that the server does not know (any more): the words of locked.html. */
export function lockedView(expired) {
  const button = h(
    "button",
    {class: "icon-btn", type: "button", "aria-label": "Copy command", title: "Copy command"},
    icon("copy", "i-16"),
  );
  copyButton(button, () => "gaitway token page");
  return h(
    "div",
    {},
    h(
      "div",
      {class: "head"},
      h("h1", {}, "This page needs a fresh link"),
      h(
        "p",
        {},
        "Gaitway listens beyond this computer, so the page opens only by a link made for you. ",
        expired
          ? "What a link opened closes after 12 hours."
          : "Links work once; this one has been used or is older than 10 minutes.",
      ),
    ),
    h("p", {class: "dim"}, "On the computer that runs Gaitway:"),
    h("p", {class: "cmd"}, h("code", {}, "gaitway token page"), button),
  );
}
