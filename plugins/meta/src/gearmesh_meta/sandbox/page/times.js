/** Times as people read them. Messages carry milliseconds since 1970, hops of a path microseconds. */

const CLOCK = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const SECONDS = new Intl.DateTimeFormat("en", {
  hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23",
});
const WEEKDAY = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long" });
const FULL_DAY = new Intl.DateTimeFormat("en", { day: "numeric", month: "long", year: "numeric" });
const DAY = 86_400_000;

/** "14:03" for milliseconds. */
export function clockTime(milliseconds) {
  return CLOCK.format(milliseconds);
}

/** "14:03:07.120" for microseconds. */
export function exactTime(microseconds) {
  return SECONDS.format(microseconds / 1000);
}

/** "Today", "Yesterday", "Monday, 3 March" within half a year, else with the year. */
export function dayName(milliseconds, now = Date.now()) {
  const midnight = (moment) => new Date(moment).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(now) - midnight(milliseconds)) / DAY);
  if (days === 0) return "Today";
  if (days === 1) return "Yesterday";
  return (Math.abs(days) < 180 ? WEEKDAY : FULL_DAY).format(milliseconds);
}

/** Microseconds as "0.41 ms", "6.2 ms", "128 ms" or "1.3 s"; a negative span (two clocks) keeps its sign. */
export function span(microseconds) {
  const milliseconds = microseconds / 1000;
  const size = Math.abs(milliseconds);
  if (size >= 1000) return `${(milliseconds / 1000).toFixed(1)} s`;
  if (size >= 10) return `${milliseconds.toFixed(0)} ms`;
  return `${milliseconds.toFixed(size >= 1 ? 1 : 2)} ms`;
}
