/** Times from the server (ns since the epoch as numbers or text, or ISO 8601) become ms; durations become words. */

/** ms since the epoch of a server time, or null. Numbers of ns lose their last digits, which no one sees. */
export function ms(time) {
  if (time === null || time === undefined || time === "") return null;
  const number = Number(time);
  return Number.isFinite(number) ? number / 1e6 : parsed(time);
}

function parsed(iso) {
  const value = Date.parse(iso);
  return Number.isFinite(value) ? value : null;
}

/** "48 s", "4 min 13 s", "21 min", "1 h 04 min". */
export function duration(span) {
  const s = Math.max(0, Math.round(span / 1000));
  const hours = Math.floor(s / 3600);
  const minutes = Math.floor((s % 3600) / 60);
  const rest = s % 60;
  if (hours) return `${hours} h ${String(minutes).padStart(2, "0")} min`;
  if (minutes) return minutes < 10 && rest ? `${minutes} min ${rest} s` : `${minutes} min`;
  return `${rest} s`;
}

/** The same in whole minutes from one minute on, for small cards. */
export function short(span) {
  return span < 60e3 || span >= 3600e3 ? duration(span) : `${Math.floor(span / 60e3)} min`;
}

/** "0.4 s ago", "48 s ago", "12 min ago". */
export function ago(span) {
  const s = Math.max(0, span) / 1000;
  if (s < 9.95) return `${s.toFixed(1)} s ago`;
  if (s < 100) return `${Math.round(s)} s ago`;
  return s < 5400 ? `${Math.round(s / 60)} min ago` : `${duration(span)} ago`;
}

const pad = (value) => String(value).padStart(2, "0");

/** "14:19", on the 24 h clock of whoever reads. */
export function clock(time) {
  const date = new Date(time);
  return `${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

/** "14:31:20". */
export function clockSeconds(time) {
  return `${clock(time)}:${pad(new Date(time).getSeconds())}`;
}

/** "14:19" today, "23 Nov, 14:19" on other days. */
export function moment(time, now) {
  const date = new Date(time);
  if (date.toDateString() === new Date(now).toDateString()) return clock(time);
  return `${date.toLocaleDateString("en-GB", {day: "numeric", month: "short"})}, ${clock(time)}`;
}
