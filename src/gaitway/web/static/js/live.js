/** The live view: one sentence, then a card per phone, in the order of their names. */
import {PhoneCard, RefusedCard, skeleton} from "./cards.js";
import {h, icon, show, text} from "./dom.js";
import {byName, isLive, knocking, stateOf} from "./judge.js";
import {onScheme} from "./scheme.js";
import {PhoneRow, RefusedRow, table} from "./table.js";
import {alarm, headline, nameOf, trouble} from "./words.js";

/** Up to so many phones: full cards, compact cards. Above, a table. */
const FULL = 8;
const COMPACT = 40;
/** ms before the page says that it is loading. */
const PATIENCE = 300;

export class LiveView {
  /** `onName(id, name)` is told when somebody named a phone. */
  constructor(onName) {
    this.onName = onName;
    this.headline = h("h1", {}, "Live");
    this.sentence = h("p");
    this.alarm = h("div", {class: "note", role: "alert", hidden: true}, icon("warn"), h("span", {}, h("b"), h("span")));
    this.body = h("div");
    this.el = h("div", {}, h("div", {class: "head"}, this.headline, this.sentence), this.alarm, this.body);
    this.cards = new Map();
    this.layout = null;
    this.said = "";
    this.wanted = null;
    this.patience = setTimeout(() => this.load(), PATIENCE);
    this.unwatch = onScheme(() => this.repaint());
  }

  /** Nothing for 300 ms, then what is being waited for. */
  load() {
    if (this.layout !== null) return;
    text(this.sentence, "Reading the last minute from the log.");
    this.body.replaceChildren(h("div", {class: "grid", "aria-busy": "true"}, ...Array.from({length: 4}, skeleton)));
  }

  /** Shows the state at a moment of this machine's clock (`at`) and the server's (`now`). */
  update(state, {at, now, clock, frozen}) {
    if (!state.loaded) return;
    const refused = knocking(state, at);
    const phones = [...state.phones.values()];
    const shown = phones
      .map((phone) => ({id: phone.id, name: nameOf(phone), state: stateOf(phone, now), phone}))
      .sort(byName);
    this.arrange(shown.length + refused.length);
    this.tell(shown, refused, now, state.health);
    this.place(shown, refused);
    const context = {phones, now, clock, frozen, small: this.layout !== "full"};
    for (const {id, phone} of shown) this.cards.get(id).update(phone, context);
    for (const knock of refused) this.cards.get(key(knock)).update(knock);
    if (this.wanted !== null) this.find(this.wanted);
  }

  /** Full cards, compact cards or a table; a change of layout builds everything anew. */
  arrange(count) {
    const layout = count <= FULL ? "full" : count <= COMPACT ? "compact" : "table";
    if (layout === this.layout) return;
    clearTimeout(this.patience);
    this.layout = layout;
    this.drop([...this.cards.keys()]);
    const {el, body} = layout === "table" ? table() : grid(layout);
    this.list = body;
    this.body.replaceChildren(el);
  }

  tell(shown, refused, now, health) {
    text(this.headline, headline(shown.filter((card) => isLive(card.state)).length));
    const pieces = trouble(shown, refused, now, (id) => `#live/${encodeURIComponent(id)}`);
    const said = JSON.stringify(pieces);
    show(this.sentence, pieces.length > 0);
    if (said !== this.said)
      this.sentence.replaceChildren(
        ...pieces.map((piece) => (piece.href ? h("a", {href: piece.href}, piece.text) : piece.text)),
      );
    this.said = said;
    const wrong = alarm(health);
    show(this.alarm, wrong !== null);
    if (wrong === null) return;
    this.alarm.classList.toggle("note-x", wrong.bad);
    const [what, next] = this.alarm.lastChild.children;
    text(what, wrong.what);
    text(next, wrong.next);
  }

  /** Puts the cards there are into order; nodes that stand right are not touched. */
  place(shown, refused) {
    const wanted = [...shown.map(({id}) => id), ...refused.map(key)];
    const keep = new Set(wanted);
    this.drop([...this.cards.keys()].filter((id) => !keep.has(id)));
    const rows = this.layout === "table";
    for (const {id} of shown)
      if (!this.cards.has(id)) this.cards.set(id, rows ? new PhoneRow(id) : new PhoneCard(id, this.onName));
    for (const knock of refused)
      if (!this.cards.has(key(knock)))
        this.cards.set(key(knock), rows ? new RefusedRow(knock) : new RefusedCard(knock));
    let before = this.list.firstChild;
    for (const id of wanted) {
      const {el} = this.cards.get(id);
      if (el === before) before = before.nextSibling;
      else this.list.insertBefore(el, before);
    }
  }

  drop(ids) {
    for (const id of ids) {
      const card = this.cards.get(id);
      card.close();
      card.el.remove();
      this.cards.delete(id);
    }
  }

  /** Brings a phone's card into view and focuses it, as soon as it is there. */
  find(id) {
    const card = this.cards.get(id);
    this.wanted = card ? null : id;
    if (!card) return;
    card.el.scrollIntoView({block: "center"});
    card.el.focus({preventScroll: true});
  }

  repaint() {
    for (const card of this.cards.values()) card.spark?.draw();
  }

  close() {
    clearTimeout(this.patience);
    this.unwatch();
    this.drop([...this.cards.keys()]);
  }
}

function grid(layout) {
  const el = h("div", {class: layout === "compact" ? "grid grid-c" : "grid"});
  return {el, body: el};
}

function key(knock) {
  return `refused ${knock.address}`;
}
