/** The last seconds of a phone's signal on an even time grid, as values that are replaced, never changed. */

/** ms kept: the 10 s being judged, one second for the glide, and a little for messages that come out of order. */
const SPAN = 13_000;

/**
 * A trace with more samples: `{step, end, values}`; `values[values.length - 1]` ends at `end` (ms), null where nothing
 * came. What came before stays unless the new samples say otherwise.
 */
export function extend(trace, t0, step, samples) {
  if (!(step > 0) || samples.length === 0 || t0 === null) return trace;
  if (trace === null || trace.step !== step) return write(blank(step, t0 + samples.length * step), t0, samples);
  const ahead = Math.round((t0 + samples.length * step - trace.end) / step);
  return write(ahead > 0 ? shifted(trace, ahead) : {...trace, values: [...trace.values]}, t0, samples);
}

function blank(step, end) {
  return {step, end, values: new Array(Math.ceil(SPAN / step)).fill(null)};
}

function shifted(trace, count) {
  const length = trace.values.length;
  if (count >= length) return blank(trace.step, trace.end + count * trace.step);
  return {
    step: trace.step,
    end: trace.end + count * trace.step,
    values: [...trace.values.slice(count), ...new Array(count).fill(null)],
  };
}

function write(trace, t0, samples) {
  const {step, end, values} = trace;
  const first = values.length + Math.round((t0 - end) / step);
  samples.forEach((value, i) => {
    const at = first + i;
    if (at >= 0 && at < values.length && Number.isFinite(value)) values[at] = value;
  });
  return trace;
}
