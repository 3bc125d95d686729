/** Above 40 phones: a table, in the order of the cards, its rows changed in place. */
import {attr, h, text} from "./dom.js";
import {chip} from "./cards.js";
import {ring} from "./ring.js";
import {card as told, nameOf, turnedAway} from "./words.js";

const COUNTS = ["lost", "late", "twice", "setAside"];
const figure = new Intl.NumberFormat("en-GB");

/** An empty table: `{el, body}`. */
export function table() {
  const head = (label, kind) => h("th", {scope: "col", class: kind}, label);
  const body = h("tbody");
  const el = h(
    "table",
    {class: "table"},
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        head("Phone"),
        head("Activity"),
        head("Sure", "r only-l"),
        head("For", "r"),
        head("Last reading"),
        ...["Lost", "Late", "Twice", "Set aside"].map((label) => head(label, "r only-l")),
      ),
    ),
    body,
  );
  return {el, body};
}

/** The row of one phone, with the calls of a card. */
export class PhoneRow {
  constructor(id) {
    this.ring = ring("ring-s");
    this.chip = chip();
    this.name = document.createTextNode("");
    this.title = h("span");
    this.sure = h("td", {class: "r only-l"});
    this.line = h("td", {class: "r"});
    this.counts = COUNTS.map(() => h("td", {class: "r only-l"}));
    this.el = h(
      "tr",
      {tabindex: -1, "data-id": id},
      h("th", {scope: "row"}, this.name),
      h("td", {}, h("span", {class: "a"}, this.ring.el, this.title)),
      this.sure,
      this.line,
      h("td", {}, this.chip.el),
      ...this.counts,
    );
  }

  update(phone, context) {
    const shown = told(phone, context);
    const name = nameOf(phone);
    if (this.name.data !== name) this.name.data = name;
    attr(this.el, "data-s", shown.chip.state);
    this.ring.set(shown.act, shown.sure);
    text(this.title, shown.title);
    text(this.sure, shown.strong);
    text(this.line, shown.line.replace(/^ sure(, )?/, "").replace(/^for /, ""));
    this.chip.set(shown.chip);
    COUNTS.forEach((field, i) => text(this.counts[i], phone[field] ? figure.format(phone[field]) : ""));
  }

  close() {}
}

/** The row of an address that is turned away. */
export class RefusedRow {
  constructor(knock) {
    const shown = ring("ring-s");
    this.why = h("td", {colspan: 7});
    this.el = h(
      "tr",
      {tabindex: -1, "data-id": `refused ${knock.address}`, "data-s": "refused"},
      h("th", {scope: "row"}, "Unknown phone"),
      h("td", {}, h("span", {class: "a"}, shown.el, "Turned away")),
      this.why,
    );
    this.update(knock);
  }

  update(knock) {
    text(this.why, turnedAway(knock));
  }

  close() {}
}
