/**
 * The sparkline: exactly the 10 s being judged, on one square-root scale for all phones, coloured by the verdicts.
 *
 * It is drawn once per message, one second wider than its box; between messages the compositor glides it by one
 * transform. Nothing is drawn where nothing came.
 */
import {h} from "./dom.js";
import {token} from "./scheme.js";

/** Seconds on the canvas; the box shows one less. */
const WIDTH = 11;
/** The scale's end, m/s2. What is above is clipped. */
const TOP = 30;
/** ms without a sample from which the ground is dotted. */
const HOLE = 500;

const still = matchMedia("(prefers-reduced-motion: reduce)");
const sparks = new WeakMap();
const resized = new ResizeObserver((entries) => entries.forEach(({target}) => sparks.get(target)?.measure()));
const seen = new IntersectionObserver((entries) =>
  entries.forEach((entry) => sparks.get(entry.target)?.reveal(entry.isIntersecting)),
);

export class Spark {
  constructor() {
    this.canvas = h("canvas", {class: "spark", "aria-hidden": "true"});
    this.el = h("div", {class: "spark-w"}, this.canvas);
    this.data = null;
    this.drawn = null;
    this.glide = null;
    this.from = 1;
    this.visible = true;
    this.shift(1);
    sparks.set(this.el, this);
    resized.observe(this.el);
    seen.observe(this.el);
  }

  /** Lets go of what watches it. */
  close() {
    resized.unobserve(this.el);
    seen.unobserve(this.el);
  }

  /** Shows a phone's trace; draws only when there is something new. `move` false (a lost connection) never glides. */
  update({trace, turns}, move = true) {
    const fresh = this.data?.trace !== trace || this.data?.turns !== turns;
    const before = this.data?.trace?.end ?? null;
    this.data = {trace, turns};
    if (!fresh || !this.visible) return;
    this.draw();
    if (trace !== null) this.slide(before === null ? Infinity : (trace.end - before) / 1000, move);
  }

  /** Draws what there is, now: after a change of size or colours. */
  draw() {
    const pen = this.pen();
    if (pen === null) return;
    paint(pen, this.data?.trace ?? null, this.data?.turns ?? []);
    this.drawn = this.data;
  }

  measure() {
    this.size = [this.canvas.clientWidth, this.canvas.clientHeight];
    this.draw();
  }

  reveal(visible) {
    this.visible = visible;
    if (visible && this.drawn !== this.data) this.draw();
  }

  /** The canvas in whole device pixels, or null while it has no size. */
  pen() {
    const [w, h_] = this.size ?? [0, 0];
    if (!w || !h_) return null;
    const scale = Math.min(2, devicePixelRatio || 1);
    const [pw, ph] = [Math.round(w * scale), Math.round(h_ * scale)];
    if (this.canvas.width !== pw || this.canvas.height !== ph) Object.assign(this.canvas, {width: pw, height: ph});
    const g = this.canvas.getContext("2d");
    g.setTransform(scale, 0, 0, scale, 0, 0);
    g.clearRect(0, 0, w, h_);
    return {g, w, h: h_};
  }

  /** Glides from what was last visible to the newest second, so that the picture never jumps. */
  slide(advance, move) {
    const progress = this.glide?.playState === "running" ? (this.glide.effect.getComputedTiming().progress ?? 1) : 1;
    const visible = this.from + (1 - this.from) * progress;
    this.from = Math.min(1, Math.max(0, visible - advance));
    this.glide?.cancel();
    this.glide = null;
    if (!move || still.matches || this.from === 1 || !Number.isFinite(advance)) {
      this.from = 1;
      return;
    }
    const frames = [{transform: place(this.from)}, {transform: place(1)}];
    this.glide = this.canvas.animate(frames, {duration: (1 - this.from) * 1000, easing: "linear"});
  }

  shift(seconds) {
    this.canvas.style.transform = place(seconds);
  }
}

function place(seconds) {
  return `translateX(${(-seconds * 100) / WIDTH}%)`;
}

function paint({g, w, h: height}, trace, turns) {
  const ground = height - 1;
  g.fillStyle = token("line");
  g.fillRect(0, ground, w, 1);
  if (trace === null) return dotted(g, 0, w, ground);
  const {end, step} = trace;
  const start = end - WIDTH * 1000;
  const x = (time) => ((time - start) / (WIDTH * 1000)) * w;
  const y = (value) => ground - (Math.sqrt(Math.min(TOP, Math.max(0, value))) / Math.sqrt(TOP)) * (height - 8);
  const runs = cut(trace, turns, start);
  let covered = start;
  for (const run of runs) {
    if (run.from - covered >= HOLE) dotted(g, x(covered), x(run.from), ground);
    covered = run.to;
    stroke(
      g,
      run.points.map(([time, value]) => [x(time + step), y(value)]),
      ground,
      token(run.activity),
    );
  }
  if (end - covered >= HOLE) dotted(g, x(covered), x(end), ground);
}

/** Cuts a trace into runs of samples without a hole and of one verdict: [{activity, from, to, points}]. */
function cut({step, end, values}, turns, start) {
  const runs = [];
  let run = null;
  for (let i = 0; i < values.length; i++) {
    const time = end - (values.length - i) * step;
    if (values[i] === null || time < start) {
      run = null;
      continue;
    }
    const activity = at(turns, time);
    if (run === null || run.activity !== activity) {
      if (run !== null) run.points.push([time, values[i]]);
      runs.push((run = {activity, from: time, to: time, points: []}));
    }
    run.points.push([time, values[i]]);
    run.to = time + step;
  }
  return runs;
}

/** The verdict that stood at a time; before the first one, the first. */
function at(turns, time) {
  return (turns.findLast((turn) => turn.from <= time) ?? turns[0])?.activity ?? "unknown";
}

function stroke(g, points, ground, colour) {
  g.fillStyle = g.strokeStyle = colour;
  if (points.length === 1) {
    const [[x, y]] = points;
    g.fillRect(x, y - 1, 1.6, 1.8);
    return;
  }
  g.beginPath();
  points.forEach(([x, y], i) => (i ? g.lineTo(x, y) : g.moveTo(x, y)));
  g.lineWidth = 1.7;
  g.lineJoin = "round";
  g.stroke();
  g.lineTo(points.at(-1)[0], ground);
  g.lineTo(points[0][0], ground);
  g.globalAlpha = Number(token("wash"));
  g.fill();
  g.globalAlpha = 1;
}

function dotted(g, from, to, ground) {
  g.save();
  g.strokeStyle = token("line-2");
  g.lineWidth = 2;
  g.setLineDash([2, 4]);
  g.beginPath();
  g.moveTo(from, ground - 0.5);
  g.lineTo(to, ground - 0.5);
  g.stroke();
  g.restore();
}
