/** The left side of the first run: the code to scan, and address and token beside it for typing. */
import {attr, h, icon, show, text} from "./dom.js";
import {copyButton} from "./shell.js";

const HIDDEN = "•••••-•••••-••••";
const LOCAL = /^(localhost|127\.|\[?::1\]?$)/;

export class SetupPlate {
  constructor() {
    this.token = "";
    this.deep = h("a", {class: "btn btn-p deep only-s", hidden: true}, "Open in Sensor Logger");
    this.picture = h("img", {alt: "QR code that sets up Sensor Logger for this server"});
    this.plate = h("div", {class: "plate only-l", hidden: true}, this.picture);
    this.note = h("div", {class: "note", hidden: true}, icon("warn"), h("span", {}, h("b"), h("span")));
    this.address = h("dd");
    this.secret = h("dd", {}, HIDDEN);
    this.list = h("dl", {class: "kv", hidden: true}, this.addressRow(), this.tokenRow());
    this.help = h("ul");
    this.more = h(
      "details",
      {class: "more", hidden: true},
      h("summary", {}, "The phone cannot reach that address?"),
      this.help,
    );
    this.el = h("div", {}, this.note, this.deep, this.plate, this.list, this.more);
  }

  addressRow() {
    const copy = iconButton("copy", "Copy address");
    copyButton(copy, () => this.address.textContent);
    return h("div", {}, h("dt", {}, "Address"), this.address, h("dd", {}, copy));
  }

  tokenRow() {
    const eye = iconButton("eye", "Show token");
    const copy = iconButton("copy", "Copy token");
    attr(eye, "aria-pressed", "false");
    eye.addEventListener("click", () => this.reveal(eye));
    copyButton(copy, () => this.token);
    this.tokens = h("div", {}, h("dt", {}, "Token"), this.secret, h("dd", {}, eye, copy));
    return this.tokens;
  }

  reveal(eye) {
    const on = eye.getAttribute("aria-pressed") !== "true";
    attr(eye, "aria-pressed", on ? "true" : "false");
    text(this.secret, on ? this.token : HIDDEN);
  }

  /** Shows what a phone needs; says so when no phone can reach this machine. */
  show(setup) {
    this.token = setup.token ?? "";
    text(this.address, setup.address);
    attr(this.deep, "href", setup.link);
    this.code(setup.qr);
    this.help.replaceChildren(...advice(setup).map((words) => h("li", {}, words)));
    for (const node of [this.deep, this.plate, this.list, this.more]) show(node, true);
    show(this.tokens, this.token !== "");
    const local = LOCAL.test(setup.host ?? "");
    show(this.note, local);
    if (local)
      this.say(
        "No phone can reach this address",
        "Gaitway listens on this computer only. Start it with HOST=0.0.0.0 to let phones in.",
      );
  }

  /** Says why there is no code to scan. */
  fail(error) {
    show(this.note, true);
    this.say("No code to scan", `${error.message}. ${error.hint ?? ""}`.trim());
  }

  say(title, words) {
    const [first, second] = this.note.lastChild.children;
    text(first, title);
    text(second, words);
  }

  /** Whole pixels per module: 4, with the quiet zone that the code brings. */
  code(svg) {
    const size = Number(/viewBox="0 0 (\d+)/.exec(svg)?.[1] ?? /width="(\d+)/.exec(svg)?.[1]);
    const pixels = size < 200 ? size * 4 : size;
    attr(this.picture, "width", pixels);
    attr(this.picture, "height", pixels);
    attr(this.picture, "src", `data:image/svg+xml,${encodeURIComponent(svg)}`);
  }
}

function iconButton(name, label) {
  return h("button", {class: "icon-btn", type: "button", "aria-label": label, title: label}, icon(name, "i-16"));
}

function advice({port, names = [], web_link: web}) {
  return [
    "Put phone and laptop on the same Wi-Fi. Guest networks often keep devices apart.",
    ...names.map((address) => h("span", {}, "Try the name instead: ", h("code", {}, address))),
    port ? `Allow Python through the laptop’s firewall, port ${port}.` : null,
    web &&
      h(
        "span",
        {class: "only-s"},
        "Sensor Logger does not open? ",
        h("a", {href: web, rel: "noreferrer"}, "Try its web link"),
        ".",
      ),
  ].filter(Boolean);
}
