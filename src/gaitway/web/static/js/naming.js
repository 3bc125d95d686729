/** Giving a phone a name, in the head of its card. */
import {ApiError, rename} from "./api.js";
import {h, icon, show} from "./dom.js";
import {toast} from "./shell.js";

/** Names a phone and says so, or says why not. True when it worked. */
export async function name(id, value) {
  try {
    await rename(id, value);
    toast("Named");
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    toast(`Not named: ${error.message}. ${error.hint ?? ""}`.trim());
    return false;
  }
}

/** A button, and the form that takes the heading's place while somebody types. */
export class NameForm {
  constructor(id, onName) {
    this.id = id;
    this.onName = onName;
    this.input = h("input", {class: "inp", "aria-label": "Name of this phone", autocomplete: "off", maxlength: 60});
    this.form = h(
      "form",
      {
        class: "name-f",
        onsubmit: (event) => this.save(event),
        onkeydown: (event) => event.key === "Escape" && this.end(),
      },
      this.input,
      h("button", {class: "btn btn-s"}, "Save"),
    );
    this.button = h(
      "button",
      {
        class: "icon-btn",
        type: "button",
        "aria-label": "Name this phone",
        title: "Name this phone",
        onclick: () => this.begin(),
      },
      icon("edit", "i-16"),
    );
    show(this.form, false);
  }

  /** Says which heading gives way to the form. */
  instead(heading) {
    this.heading = heading;
  }

  begin() {
    show(this.heading, false);
    show(this.form, true);
    this.input.focus();
  }

  end() {
    show(this.form, false);
    show(this.heading, true);
    if (this.button.hidden) this.heading.closest(".card").focus();
    else this.button.focus();
  }

  async save(event) {
    event.preventDefault();
    const value = this.input.value.trim();
    if (value === "") return this.end();
    if (await name(this.id, value)) {
      this.onName(this.id, value);
      this.end();
    }
  }
}
