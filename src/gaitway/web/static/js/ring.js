/** The ring: the activity, and how sure, in one object. Dotted, without an arc, when nothing can be told. */
import {attr, h, icon, setIcon} from "./dom.js";

const LENGTH = 2 * Math.PI * 29;
const ICONS = {none: "phone", unknown: "ask"};

/** A ring and the way to change it: `{el, set(activity, confidence)}`; activity "none" shows a phone. */
export function ring(size = "") {
  const arc = h("circle", {class: "va", cx: 32, cy: 32, r: 29});
  const track = h("circle", {class: "tr", cx: 32, cy: 32, r: 29});
  const svg = h("svg", {viewBox: "0 0 64 64", "aria-hidden": "true"}, track);
  const picture = icon("phone");
  const el = h("span", {class: `ring ${size}`.trim(), "data-act": "none"}, svg, picture);
  return {el, set: (activity, confidence) => draw({el, svg, arc, picture}, activity, confidence)};
}

function draw({el, svg, arc, picture}, activity, confidence) {
  attr(el, "data-act", activity);
  setIcon(picture, ICONS[activity] ?? activity);
  const sure = !(activity in ICONS) && confidence > 0;
  if (!sure) return arc.remove();
  attr(arc, "stroke-dasharray", `${(LENGTH * Math.min(1, confidence)).toFixed(1)} ${LENGTH.toFixed(1)}`);
  if (!arc.isConnected) svg.append(arc);
}
