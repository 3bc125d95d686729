/**
 * The one connection to the server's event stream, with its own way of coming back.
 *
 * No event for 12 s is a lost connection, whatever the browser thinks. Then it tries again after 1, 2, 4, 8, 15 s with
 * jitter. A tab hidden for 30 s lets go, for a browser keeps six connections to a host, and resumes on return.
 */
import {phones} from "./api.js";

const KINDS = ["snapshot", "signal", "record", "phone", "knock", "health", "beat"];
const DELAYS = [1000, 2000, 4000, 8000, 15000];
const QUIET = 12_000;
const HIDDEN = 30_000;
/** Events that wait for a slow tab; beyond it signals are dropped, verdicts never. */
const WAITING = 2000;

export class Link {
  /**
   * `onEvents(events)` gets everything that came since the last frame, in order. `onStatus(status)` gets
   * {state, heardAt, retryAt}: state "connecting", "open", "lost", "asleep" or "locked" (the server wants a fresh link).
   */
  constructor(onEvents, onStatus) {
    this.onEvents = onEvents;
    this.onStatus = onStatus;
    this.queue = [];
    this.source = null;
    this.heardAt = null;
    this.attempt = 0;
    this.state = "connecting";
    this.timers = {};
  }

  start() {
    document.addEventListener("visibilitychange", () => (document.hidden ? this.hide() : this.wake()));
    this.connect();
  }

  /** Tries again without waiting. */
  retry() {
    if (this.state === "lost") this.probe();
  }

  connect() {
    this.close();
    this.source = new EventSource("/api/live?for=page");
    this.source.onmessage = (event) => this.take("verdict", event);
    for (const kind of KINDS) this.source.addEventListener(kind, (event) => this.take(kind, event));
    // before anything was heard it may be that the page is locked: ask at once
    this.source.onerror = () => (this.heardAt === null && this.attempt === 0 ? this.probe() : this.lose());
    this.watch();
  }

  take(kind, event) {
    this.heardAt = Date.now();
    this.attempt = 0;
    this.watch();
    if (this.state !== "open") this.tell("open");
    if (kind === "signal" && this.queue.length > WAITING) return;
    this.queue.push({kind, data: event.data ? JSON.parse(event.data) : {}, at: this.heardAt});
    if (this.queue.length === 1) this.later();
  }

  /** Hands over at the next frame; a hidden tab has no frames. */
  later() {
    if (document.hidden) setTimeout(() => this.flush(), 500);
    else requestAnimationFrame(() => this.flush());
  }

  flush() {
    const events = this.queue;
    this.queue = [];
    if (events.length) this.onEvents(events);
  }

  /** Restarts the 12 s in which something must be heard. */
  watch() {
    this.after("quiet", QUIET, () => this.lose());
  }

  lose() {
    this.close();
    const delay = DELAYS[Math.min(this.attempt, DELAYS.length - 1)] * (0.8 + 0.4 * Math.random());
    this.tell("lost", Date.now() + delay);
    this.after("retry", delay, () => this.probe());
  }

  /** Asks plainly first: an event stream cannot say that the page's cookie has run out. */
  async probe() {
    this.close();
    this.attempt += 1;
    if (this.heardAt !== null) this.tell("lost", Date.now());
    try {
      await phones();
    } catch (error) {
      if (error.status === 401 || error.status === 403) return this.lock();
      return this.lose();
    }
    this.connect();
  }

  lock() {
    this.close();
    this.tell("locked");
  }

  hide() {
    this.after("hidden", HIDDEN, () => {
      this.close();
      this.tell("asleep");
    });
  }

  wake() {
    clearTimeout(this.timers.hidden);
    this.flush();
    if (this.state === "asleep") {
      this.tell("connecting");
      this.connect();
    }
  }

  close() {
    clearTimeout(this.timers.quiet);
    clearTimeout(this.timers.retry);
    this.source?.close();
    this.source = null;
  }

  after(name, delay, action) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(action, delay);
  }

  tell(state, retryAt = null) {
    this.state = state;
    this.onStatus({state, heardAt: this.heardAt, retryAt});
  }
}
