/** One bar of a recording's activities in proportion, in the fills of every chart. */
import {attr, h} from "./dom.js";
import {duration} from "./time.js";
import {LABELS} from "./words.js";

const WIDTH = 400;
const HEIGHT = 16;

/** `{el, set(parts)}`; parts are {activity: seconds}. */
export function parts() {
  const el = h("svg", {class: "mini", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img"});
  let shown = null;
  const set = (seconds) => {
    if (seconds === shown) return;
    shown = seconds;
    const rows = Object.keys(LABELS)
      .map((activity) => [activity, seconds[activity] ?? 0])
      .filter(([, s]) => s > 0);
    attr(el, "aria-label", rows.map(([activity, s]) => `${LABELS[activity]} ${duration(s * 1000)}`).join(", "));
    el.replaceChildren(...bars(rows));
  };
  return {el, set};
}

function bars(rows) {
  const sum = rows.reduce((total, [, s]) => total + s, 0);
  let x = 0;
  return rows.map(([activity, s]) => {
    const width = (s / sum) * WIDTH;
    const bar = h("rect", {
      x: x.toFixed(1),
      width: Math.max(1, width - 1.5).toFixed(1),
      height: HEIGHT,
      rx: 1.5,
      fill: `url(#p-${activity})`,
    });
    x += width;
    return bar;
  });
}
