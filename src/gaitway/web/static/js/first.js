/** The first run: the code, the waiting line, the steps. What it says comes from firstrun.js. */
import {ApiError, setup as askSetup, simulate} from "./api.js";
import {attr, h, icon, show, text} from "./dom.js";
import {entry, standing, steps, told} from "./firstrun.js";
import {Gait} from "./gait.js";
import {name} from "./naming.js";
import {SetupPlate} from "./plate.js";
import {toast} from "./shell.js";
import {Spark} from "./spark.js";
import {nameOf} from "./words.js";

const SCAN =
  "Scan once. The code carries the address, a fresh token and the right sensors, so nothing has to be typed.";
const TAP = "Reading this on the phone itself? One tap sets the app up.";
const STEPS = [
  ["Install Sensor Logger", "Free for iPhone and Android, from the App Store or Google Play."],
  ["Scan the code", "With the phone’s camera. Sensor Logger opens and asks whether to load the settings."],
  ["Use “Tap to Test Pushing”", "In Sensor Logger under Settings, Data Streaming. This page answers at once."],
  ["Start recording, pocket the phone", "The first verdict appears within 3 seconds."],
];
const LINES = {refused: "refused", found: "found", receiving: "found", judged: "found"};

export class FirstView {
  /** `state` is what is known when the view opens; `onName(id, name)` is told when somebody named a phone. */
  constructor(state, at, onName) {
    this.onName = onName;
    this.began = entry(state, at);
    this.state = state;
    this.loaded = state.loaded;
    this.setup = null;
    this.phone = null;
    /** A name for a phone that is not known yet. */
    this.pending = null;
    this.gait = new Gait();
    this.spark = new Spark();
    this.plate = new SetupPlate();
    this.title = h("strong", {id: "wait-title"});
    this.words = h("p");
    this.build();
    this.ask();
  }

  build() {
    this.go = h("a", {class: "btn btn-p", href: "#live", hidden: true}, "Go to live");
    this.start = h(
      "button",
      {class: "btn", type: "button", onclick: () => this.simulate()},
      icon("play", "i-16"),
      h("span", {}, "Start a simulated phone"),
    );
    this.input = h("input", {class: "inp", id: "phone-name", autocomplete: "off", maxlength: 60});
    this.form = h(
      "form",
      {hidden: true, onsubmit: (event) => this.save(event)},
      h("label", {for: "phone-name"}, "What shall it be called?"),
      this.input,
      h("button", {class: "btn"}, "Save"),
    );
    this.wait = h(
      "section",
      {class: "wait", "aria-labelledby": "wait-title"},
      this.gait.el,
      this.spark.el,
      h(
        "div",
        {class: "wait-t"},
        h("div", {class: "wait-s", role: "status"}, this.title, this.words),
        this.start,
        this.go,
        this.form,
      ),
    );
    this.steps = STEPS.map(step);
    this.el = h(
      "div",
      {},
      h(
        "div",
        {class: "head"},
        h("h1", {}, "Point your phone here"),
        h("p", {class: "only-l"}, SCAN),
        h("p", {class: "only-s"}, TAP),
      ),
      h("div", {class: "first"}, this.plate.el, h("div", {}, this.wait, h("ol", {class: "steps"}, ...this.steps))),
    );
  }

  async ask() {
    try {
      this.setup = await askSetup();
      this.plate.show(this.setup);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.plate.fail(error);
    }
    this.redraw?.();
  }

  /** Shows where things stand at a moment of this machine's clock. */
  update(state, {at, frozen}) {
    this.state = state;
    if (!this.loaded && state.loaded) this.began.known = entry(state, at).known;
    this.loaded = state.loaded;
    this.redraw = () => this.update(this.state, {at: Math.max(at, Date.now()), frozen});
    const now = standing(state, this.began, at);
    const [title, words] = told(now, state, at, this.setup);
    const simulated = this.began.simulated !== null && now.phase === "found";
    text(this.title, title);
    text(this.words, simulated ? "A simulated one. Its first readings are on the way." : words);
    attr(this.wait, "data-s", now.phase);
    this.phone = now.phone;
    this.line(now, frozen);
    this.offer(now);
    this.tick(now);
  }

  /** The flat line takes up a gait; once readings come, the line is theirs. */
  line({phase, phone}, frozen) {
    const real = (phase === "receiving" || phase === "judged") && phone.trace !== null;
    show(this.gait.el, !real);
    show(this.spark.el, real);
    if (real) this.spark.update(phone, !frozen);
    else this.gait.set(LINES[phase] ?? "flat");
  }

  offer({phase, phone}) {
    const there = phase === "found" || phase === "receiving" || phase === "judged";
    const busy = this.began.starting;
    show(this.go, there);
    show(this.start, !there);
    attr(this.start, "disabled", busy);
    text(this.start.lastChild, busy ? "Starting…" : "Start a simulated phone");
    const named = this.pending !== null || Boolean(phone?.name);
    show(this.form, there && (!named || this.typing()));
    if (phone !== null) attr(this.input, "placeholder", nameOf(phone));
    if (phone !== null && this.pending !== null) this.give(phone.id);
  }

  tick(now) {
    const {done, next} = steps(now, this.began);
    this.steps.forEach((node, i) => {
      attr(node, "data-s", i < done ? "done" : i === next ? "now" : null);
      attr(node, "aria-current", i === next ? "step" : null);
      text(node.lastChild, i < done ? "Done" : "");
    });
  }

  /** Whether somebody is about to name the phone: then the page waits. */
  typing() {
    return document.activeElement === this.input || this.input.value.trim() !== "";
  }

  async simulate() {
    this.began.starting = true;
    this.redraw?.();
    try {
      this.began.simulated = (await simulate()).device_id;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      toast(`No simulated phone: ${error.message}. ${error.hint ?? ""}`.trim());
    }
    this.began.starting = false;
    this.redraw?.();
  }

  async save(event) {
    event.preventDefault();
    const value = this.input.value.trim();
    if (value === "") return;
    this.pending = value;
    this.input.value = "";
    this.input.blur();
    if (this.phone !== null) await this.give(this.phone.id);
    else toast(`It will be called ${value} as soon as it sends`);
  }

  /** Gives the name that was typed. A test push alone makes no phone known, so this may come later. */
  async give(id) {
    const value = this.pending;
    this.pending = null;
    if (await name(id, value)) this.onName(id, value);
  }

  close() {
    this.gait.close();
    this.spark.close();
  }
}

function step([title, words], i) {
  const tap = i === 1;
  return h(
    "li",
    {},
    icon("check", "tick"),
    tap
      ? h("h3", {}, h("span", {class: "only-l"}, title), h("span", {class: "only-s"}, "Tap Open in Sensor Logger"))
      : h("h3", {}, title),
    h("p", {class: tap ? "only-l" : null}, words),
    tap ? h("p", {class: "only-s"}, "It fills in the address, the token and the sensors.") : null,
    h("span", {class: "sr"}),
  );
}
