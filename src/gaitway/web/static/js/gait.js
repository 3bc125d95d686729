/** The line of the first run: flat while nobody is there; when a phone is found it takes up a gait, once. */
import {h} from "./dom.js";
import {onScheme, token} from "./scheme.js";

/** px a second, px right of the dot, px under the line. */
const SPEED = 95;
const MARGIN = 26;
const GROUND = 22;

const still = matchMedia("(prefers-reduced-motion: reduce)");

export class Gait {
  constructor() {
    this.el = h("canvas", {class: "gait", "aria-hidden": "true"});
    this.mode = "flat";
    this.since = null;
    this.frame = null;
    this.resized = new ResizeObserver(() => this.draw());
    this.resized.observe(this.el);
    this.unwatch = onScheme(() => this.draw());
  }

  /** "flat", "refused" (dotted) or "found" (a gait runs in from the right, then stands). */
  set(mode) {
    if (mode === this.mode) return;
    this.mode = mode;
    this.since = performance.now();
    this.draw();
  }

  draw() {
    cancelAnimationFrame(this.frame);
    const [w, height] = [this.el.clientWidth, this.el.clientHeight];
    if (!w || !height) return;
    const seconds = still.matches ? Infinity : (performance.now() - (this.since ?? 0)) / 1000;
    const filled = Math.min(seconds, (w - MARGIN) / SPEED);
    this.paint(w, height, this.mode === "found" ? filled : 0);
    if (this.mode === "found" && filled === seconds) this.frame = requestAnimationFrame(() => this.draw());
  }

  paint(w, height, filled) {
    const g = this.context(w, height);
    const end = w - MARGIN;
    const y = (x) => height - GROUND - rise(filled - (end - x) / SPEED);
    g.strokeStyle = token({flat: "line-2", refused: "alarm", found: "walking"}[this.mode]);
    g.lineWidth = 2.2;
    g.lineJoin = g.lineCap = "round";
    if (this.mode === "refused") g.setLineDash([2, 7]);
    g.beginPath();
    for (let x = 0; x <= end; x += 1.5) g.lineTo(x, y(x));
    g.stroke();
    g.fillStyle = token({flat: "ink", refused: "alarm", found: "walking"}[this.mode]);
    g.beginPath();
    g.arc(end, y(end), this.mode === "flat" ? 4.5 : 5, 0, 7);
    g.fill();
  }

  context(w, height) {
    const scale = Math.min(2, devicePixelRatio || 1);
    Object.assign(this.el, {width: Math.round(w * scale), height: Math.round(height * scale)});
    const g = this.el.getContext("2d");
    g.setTransform(scale, 0, 0, scale, 0, 0);
    return g;
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.resized.disconnect();
    this.unwatch();
  }
}

/** Height of the gait `u` seconds after it began, px; flat before. */
function rise(u) {
  return u <= 0 ? 0 : Math.abs(Math.sin(Math.PI * 1.1 * u)) ** 1.5 * 44 * (0.8 + 0.2 * Math.sin(u * 1.7));
}
