/** Cards of the live view. A card is built once and changed in place, so a redraw never takes the focus away. */
import {attr, h, icon, setIcon, show, text} from "./dom.js";
import {NameForm} from "./naming.js";
import {parts} from "./parts.js";
import {ring} from "./ring.js";
import {Spark} from "./spark.js";
import {nameOf, card as told, turnedAway} from "./words.js";

const still = matchMedia("(prefers-reduced-motion: reduce)");

/** The card of one phone. `onName(id, name)` is asked to name a phone that has no name yet. */
export class PhoneCard {
  constructor(id, onName) {
    this.ring = ring();
    this.spark = new Spark();
    this.chip = chip();
    this.badges = new Badges();
    this.name = document.createTextNode("");
    this.model = h("span");
    this.title = h("div", {class: "act-name"});
    this.strong = h("b");
    this.line = document.createTextNode("");
    this.why = h("p", {class: "why"});
    this.flat = h("div", {class: "flat"});
    this.mini = parts();
    this.naming = new NameForm(id, onName);
    this.messages = 0;
    this.el = this.layout(id);
  }

  layout(id) {
    const heading = h("h3", {}, this.name, " ", this.model, this.naming.button);
    this.naming.instead(heading);
    return h(
      "article",
      {class: "card", tabindex: -1, "data-id": id},
      h("div", {class: "card-h"}, heading, this.naming.form, this.chip.el),
      h("div", {class: "card-m"}, this.ring.el, h("div", {}, this.title, h("p", {}, this.strong, this.line))),
      this.why,
      this.badges.el,
      this.spark.el,
      this.flat,
      this.mini.el,
    );
  }

  /** Shows a phone as it stands: context {phones, now, clock, small, frozen}. A frozen page never moves. */
  update(phone, context) {
    const shown = told(phone, context);
    this.identify(phone);
    attr(this.el, "data-s", shown.chip.state);
    this.ring.set(shown.act, shown.sure);
    text(this.title, shown.title);
    text(this.strong, shown.strong);
    if (this.line.data !== shown.line) this.line.data = shown.line;
    text(this.why, shown.why);
    show(this.why, shown.why !== "");
    this.chip.set(shown.chip);
    this.badges.set(shown.badges);
    this.ground(phone, shown.ground, context.frozen);
  }

  identify(phone) {
    const name = nameOf(phone);
    if (this.name.data !== name) this.name.data = name;
    text(this.model, phone.model && phone.model !== name ? phone.model : "");
    show(this.naming.button, !phone.name && !phone.simulated);
  }

  ground(phone, ground, frozen) {
    show(this.spark.el, ground === "spark");
    show(this.flat, ground === "flat");
    show(this.mini.el, ground === "parts");
    if (ground === "parts") this.mini.set(phone.parts);
    if (ground !== "spark") return;
    this.spark.update(phone, !frozen);
    if (phone.messages !== this.messages && !frozen) this.chip.beat();
    this.messages = phone.messages;
  }

  close() {
    this.spark.close();
  }
}

/** The card of an address that is turned away. */
export class RefusedCard {
  constructor(knock) {
    const shown = ring();
    this.why = h("p", {class: "why"});
    this.el = h(
      "article",
      {class: "card", tabindex: -1, "data-s": "refused", "data-id": `refused ${knock.address}`},
      h(
        "div",
        {class: "card-h"},
        h("h3", {}, "Unknown phone"),
        h("span", {class: "chip", "data-s": "refused"}, icon("stop"), "Turned away"),
      ),
      h(
        "div",
        {class: "card-m"},
        shown.el,
        h("div", {}, h("div", {class: "act-name"}, "Turned away"), h("p", {}, "Nothing is kept")),
      ),
      this.why,
      h("div", {class: "foot"}, h("a", {class: "btn btn-s", href: "#first"}, "Set it up again")),
    );
    this.update(knock);
  }

  update(knock) {
    text(this.why, turnedAway(knock));
  }

  close() {}
}

/** The age of a phone with its dot, or the name of its trouble: `{el, set(chip), beat()}`. */
export function chip() {
  const dot = h("i", {class: "pulse"});
  const picture = icon("warn");
  const before = h("span", {class: "sr"}, "Live, last reading ");
  const words = h("span");
  const el = h("span", {class: "chip"}, dot, picture, before, words);
  const set = ({state, icon: name, text: said}) => {
    attr(el, "data-s", state);
    show(dot, name === null);
    show(before, name === null);
    attr(picture, "hidden", name === null);
    if (name !== null) setIcon(picture, name);
    text(words, said);
  };
  return {el, set, beat: () => beat(dot)};
}

/** The dot beats once when a message arrives. */
function beat(dot) {
  if (still.matches) return;
  const frames = [
    {transform: "none", opacity: 0.5},
    {transform: "scale(2.6)", opacity: 0},
  ];
  dot.animate(frames, {duration: 700, easing: "ease-out", pseudoElement: "::after"});
}

/** Outlined counts; rebuilt only when one of them changed. */
class Badges {
  constructor() {
    this.el = h("div", {class: "badges"});
    this.shown = "";
  }

  set(badges) {
    const key = badges.map((badge) => badge.text).join("|");
    if (key === this.shown) return;
    this.shown = key;
    this.el.replaceChildren(...badges.map(badge));
  }
}

function badge({text: words, icon: name, title, dashed}) {
  return h("span", {class: dashed ? "badge badge-q" : "badge", title}, name && icon(name), words);
}

/** What stands there until the first snapshot: dotted ground, no shimmer. */
export function skeleton() {
  const bar = (kind = "") => h("i", {class: `skel ${kind}`.trim()});
  return h(
    "div",
    {class: "card"},
    h("div", {class: "card-h"}, bar()),
    h("div", {class: "card-m"}, bar("skel-r"), h("div", {}, bar("skel-t"), bar())),
    h("div", {class: "flat"}),
  );
}
