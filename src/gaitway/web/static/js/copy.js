/** Copying. Over plain http a browser has no clipboard to write to, so the old way is tried too. */
import {h} from "./dom.js";

/** Puts text on the clipboard; false when the browser allows neither way. */
export async function copy(value) {
  try {
    await navigator.clipboard.writeText(value);
    return true;
  } catch {
    return oldWay(value);
  }
}

function oldWay(value) {
  const focused = document.activeElement;
  const area = h("textarea", {class: "sr", "aria-hidden": "true", readonly: true});
  area.value = value;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  focused?.focus();
  return done;
}
