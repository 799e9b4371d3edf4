// Texts of the page: names from elsewhere made safe to look at, and numbers, bytes and times for people.

/** What is not seen, or turns other text around: controls, formats such as bidi marks, line separators, blanks that look like nothing. */
const ODD = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]/gu;

const seen = (character) => `⟦U+${character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}⟧`;

/** A text from elsewhere, with everything that cannot be seen spelled out. */
export const shown = (text) => String(text).replace(ODD, seen);

/** The same for the data of an event, which may have lines. */
export const shownLines = (text) =>
  String(text).replace(ODD, (character) => (character === "\n" || character === "\t" ? character : seen(character)));

const WHOLE = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const TENTHS = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const NOTHING = "–";

/** A count with all its digits. */
export const count = (number) => (number === null || number === undefined ? NOTHING : WHOLE.format(number));

/** How many of what: `plural(1, "stream")`. */
export const plural = (number, noun, nouns = `${noun}s`) => `${count(number)} ${number === 1 ? noun : nouns}`;

/** A count for each second. Below 100 with one decimal, always, so that it keeps its width. */
export const rate = (number) => {
  if (number === null || number === undefined) return NOTHING;
  return number < 99.95 ? TENTHS.format(number) : WHOLE.format(number);
};

/** Three digits of a number. */
const three = (number) => (number < 9.995 ? number.toFixed(2) : number < 99.95 ? number.toFixed(1) : number.toFixed(0));

const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

export const bytes = (number) => {
  if (number === null || number === undefined) return NOTHING;
  let [value, unit] = [number, 0];
  while (value >= 1023.5 && unit < BYTE_UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${unit === 0 ? Math.round(value) : three(value)} ${BYTE_UNITS[unit]}`;
};

/** A short time, given in seconds. */
export const seconds = (value) => {
  if (value === null || value === undefined) return NOTHING;
  if (value === 0) return "0 s";
  if (value < 0.0009995) return `${three(value * 1e6)} µs`;
  if (value < 0.9995) return `${three(value * 1e3)} ms`;
  return `${three(value)} s`;
};

/** A long time, given in milliseconds, in its two largest units. */
export const span = (ms) => {
  if (ms === null || ms === undefined) return NOTHING;
  const total = Math.floor(ms / 1000);
  if (total < 60) return `${total} s`;
  const [minutes, hours] = [Math.floor(total / 60), Math.floor(total / 3600)];
  if (minutes < 60) return `${minutes} min ${total % 60} s`;
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
};

const TIME = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const DATE = new Intl.DateTimeFormat("en-CA", { dateStyle: "short" });

/** The time of day, here. With the date if it is another day. Takes milliseconds, or a text of RFC 3339. */
export const clock = (when) => {
  const date = new Date(when);
  if (Number.isNaN(date.getTime())) return shown(when);
  const isToday = DATE.format(date) === DATE.format(new Date());
  return isToday ? TIME.format(date) : `${DATE.format(date)} ${TIME.format(date)}`;
};

const MINUTES = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });

/** The times of an axis, in Unix seconds. With seconds where minutes would not tell them apart. */
export const axisTimes = (times) => {
  const format = times.every((time) => time % 60 === 0) ? MINUTES : TIME;
  return times.map((time) => format.format(new Date(time * 1000)));
};

/** The time that the id of an event has, here, with milliseconds. */
export const eventTime = (id) => {
  const ms = Number(id.split("-")[0]);
  return Number.isFinite(ms) ? `${clock(ms)}.${String(ms % 1000).padStart(3, "0")}` : "";
};

export const sum = (counts) => Object.values(counts ?? {}).reduce((total, one) => total + one, 0);

/** `{a: 3, b: 0, c: 4}` as `c 4 · a 3`. */
export const list = (counts, most = 4, none = "none") => {
  const some = Object.entries(counts ?? {})
    .filter(([, number]) => number > 0)
    .sort((a, b) => b[1] - a[1]);
  if (some.length === 0) return none;
  const named = some.slice(0, most).map(([name, number]) => `${shown(name)} ${count(number)}`);
  return some.length > most ? `${named.join(" · ")} · ${some.length - most} more` : named.join(" · ");
};
