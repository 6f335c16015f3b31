// What the page knows, and what it makes of it. Pure: no DOM, no network, no clock of its own.
// All moments are seconds of one monotonic clock of the browser; the server's wall clock is only shown, never compared.

/** Reads a stream of server-sent events, in chunks of any size. */
export class EventReader {
  #rest = "";
  #scanned = 0;
  #data = [];
  #type = "";
  lastId = "";
  /** Milliseconds that the server asks to wait before reconnecting. */
  retry = 2000;

  /** Takes the next text and returns the events that are complete: `{type, data, id}`. */
  feed(text) {
    this.#rest += text;
    const events = [];
    let start = 0;
    for (let at = this.#scanned; at < this.#rest.length; at++) {
      const end = this.#rest[at];
      if (end !== "\n" && end !== "\r") continue;
      // A "\r" at the end of a chunk may be half of "\r\n".
      if (end === "\r" && at + 1 === this.#rest.length) break;
      this.#line(this.#rest.slice(start, at), events);
      if (end === "\r" && this.#rest[at + 1] === "\n") at++;
      start = at + 1;
    }
    this.#rest = this.#rest.slice(start);
    this.#scanned = this.#rest.endsWith("\r") ? this.#rest.length - 1 : this.#rest.length;
    return events;
  }

  #line(line, events) {
    if (line === "") {
      if (this.#data.length) events.push({ type: this.#type || "message", data: this.#data.join("\n"), id: this.lastId });
      this.#data = [];
      this.#type = "";
      return;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#type = value;
    else if (field === "id" && !value.includes("\0")) this.lastId = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
  }
}

/** Milliseconds before the next attempt: doubled each time up to half a minute, spread so that pages do not come at once. */
export function backoff(attempt, retry, random = Math.random()) {
  return Math.min(30_000, Math.max(retry, 250) * 2 ** Math.min(attempt, 10)) * (0.5 + random / 2);
}

/** What the light shows. `heard` and `polled` are the seconds since the last byte and the last answer, null for never. */
export function lightOf({ ready, locked, heard, polled }) {
  if (locked) return { state: "locked", text: "Token needed", note: "Reading needs the admin token." };
  if (ready && heard !== null && heard <= 20) return { state: "live", text: "Live", note: "" };
  if (polled !== null && polled <= 6) {
    return { state: "polling", text: "Polling", note: "There is no event stream: the list is asked for every 2 s." };
  }
  const ages = [heard, polled].filter((age) => age !== null);
  if (!ages.length) return { state: "reconnecting", text: "Connecting", note: "" };
  const age = Math.min(...ages);
  if (age <= 12) return { state: "reconnecting", text: "Reconnecting", note: "" };
  return { state: "stale", text: "Stale", note: `Nothing heard from the server for ${duration(age)}. What you see is old.` };
}

const UNITS = { d: 86400, h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };

/** Whole seconds as days, hours, minutes and seconds, the largest that there is first. */
function unitsOf(seconds) {
  const parts = [[seconds / 86400, "d"], [(seconds / 3600) % 24, "h"], [(seconds / 60) % 60, "m"], [seconds % 60, "s"]];
  const counts = parts.map(([count, unit]) => [Math.floor(count), unit]);
  return counts.slice(Math.max(0, counts.findIndex(([count]) => count > 0)));
}
const written = (parts) => parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`);

/** A length of time to look at, in two units at most: `21s`, `3m 12s`, `2h 5m`. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  return written(unitsOf(Math.max(0, Math.floor(seconds))).slice(0, 2)).join(" ") || "0s";
}

/** A length of time to edit, exact, as the server reads it: `30s`, `1m30s`, `250ms`. */
export function exactDuration(seconds) {
  if (Number.isInteger(seconds) && seconds > 0) return written(unitsOf(seconds)).join("");
  const unit = ["s", "ms", "us"].find((name) => seconds >= UNITS[name]) ?? "ns";
  return `${Number((seconds / UNITS[unit]).toPrecision(12))}${unit}`;
}

/** The seconds of a text such as `30`, `1m30s` or `250ms`, or null if it is none. */
export function parseDuration(text) {
  const trimmed = text.trim();
  if (/^(\d+\.?\d*|\.\d+)$/.test(trimmed)) return Number(trimmed);
  const part = /(\d+\.?\d*|\.\d+)\s*([a-z]+)\s*/y;
  let total = 0;
  while (part.lastIndex < trimmed.length) {
    const found = part.exec(trimmed);
    if (!found || !(found[2] in UNITS)) return null;
    total += Number(found[1]) * UNITS[found[2]];
  }
  return trimmed === "" ? null : Number(total.toPrecision(12));
}

export function percent(share) {
  if (share === null || share === undefined) return "–";
  return `${Number((share * 100).toFixed(share > 0 && share < 0.1 ? 1 : 0))} %`;
}

export function rateText(rate) {
  if (rate === null) return "–";
  if (rate === 0) return "0";
  if (rate < 0.05) return "<0.1";
  return rate < 10 ? rate.toFixed(1) : Math.round(rate).toLocaleString("en");
}

export const countText = (count) => (count === null || count === undefined ? "–" : count.toLocaleString("en"));

/** The time that is left of `seconds`, told `now - arrived` ago. */
export const remaining = (seconds, arrived, now) => Math.max(0, seconds - (now - arrived));

/** What a value is called for people. */
export const LABELS = {
  closed: "Closed", open: "Open", half_open: "Half-open",
  auto: "Auto", forced_open: "Forced open", disabled: "Disabled", metrics_only: "Metrics only",
};

/** How near a breaker is to opening: the bar, its threshold (both shares of the bar), and what is written beside it. */
export function strain({ config, window }) {
  const [most, row] = [config.failure_threshold ?? null, window.consecutive_failures];
  const share = (mark = null, ratio = null, hits = null, what = "") => {
    const detail = ratio === null ? `${window.calls ?? 0} of ${config.minimum_calls} calls needed` : `${hits} of ${window.calls} calls`;
    return { fill: ratio ?? 0, mark, over: ratio !== null && ratio >= mark, text: `${percent(ratio)} of ${percent(mark)}${what}`, detail };
  };
  const rate = share(config.failure_rate_threshold, window.failure_ratio, window.failures);
  const slow = share(config.slow_call_rate_threshold, window.slow_call_ratio, window.slow_calls, " slow");
  const counted = most && { fill: Math.min(1, row / most), mark: 1, over: row >= most, text: `${row} of ${most}`, detail: "failures in a row" };
  // Where several thresholds are set, the one that is nearest counts.
  const [nearest] = [rate, counted, slow].filter((it) => it && it.mark !== null).sort((a, b) => b.fill / b.mark - a.fill / a.mark);
  if (counted && nearest !== counted) return { ...nearest, detail: `${nearest.detail}, ${counted.text} in a row` };
  return nearest ?? { fill: 0, mark: null, over: false, text: "not counted", detail: "no threshold is set" };
}

/** What comes next for a breaker that is not simply closed. */
export function outlook(view, arrived, now) {
  if (view.mode === "forced_open") return { text: "No end", detail: "until an operator ends it" };
  if (view.mode !== "auto") return { text: "–", detail: "" };
  if (view.state === "open") {
    const left = view.retry_after === null ? null : remaining(view.retry_after, arrived, now);
    if (left === null) return { text: "–", detail: "" };
    return left > 0 ? { text: `in ${duration(Math.ceil(left))}`, detail: "" } : { text: "due", detail: "with the next call" };
  }
  if (view.state === "half_open" && view.half_open) {
    const trial = view.half_open;
    return { text: `${trial.successes} of ${trial.success_threshold}`, detail: `trials passed, ${trial.in_flight} under way` };
  }
  return view.state === "half_open" ? { text: "due", detail: "with the next call" } : { text: "–", detail: "" };
}

const SPAN = 120;
const STEP = 2;

/** The samples of a breaker: totals at moments, `{t, s, f, r}`, oldest first. Two minutes are kept. */
export function addSample(samples, t, totals, interval) {
  const next = { t, s: totals.successes, f: totals.failures, r: totals.rejections };
  const last = samples.at(-1);
  if (last && (next.s < last.s || next.f < last.f || next.r < last.r)) samples.length = 0;
  // Nothing is told while nothing happens: what came in between came in the last interval.
  else if (last && t - last.t > 1.5 * interval) samples.push({ ...last, t: t - interval });
  samples.push(next);
  const old = samples.findIndex((sample) => sample.t >= t - SPAN - STEP);
  if (old > 1) samples.splice(0, old - 1);
}

/** The totals at rising moments, straight between two samples, and even before the first and after the last. */
function totalsAt(samples, moments) {
  let at = 0;
  return moments.map((t) => {
    while (at < samples.length && samples[at].t <= t) at++;
    if (at === 0) return samples[0];
    if (at === samples.length) return samples[at - 1];
    const [a, b] = [samples[at - 1], samples[at]];
    const share = (t - a.t) / (b.t - a.t);
    return { s: a.s + (b.s - a.s) * share, f: a.f + (b.f - a.f) * share, r: a.r + (b.r - a.r) * share };
  });
}

/** Calls let through and calls rejected per second, over the last ten seconds; null while it is too early to tell. */
export function rates(samples, now) {
  if (!samples.length || now - samples[0].t < 1) return { calls: null, rejected: null };
  const span = Math.min(10, now - samples[0].t);
  const [a, b] = totalsAt(samples, [now - span, now]);
  return { calls: (b.s + b.f - a.s - a.f) / span, rejected: (b.r - a.r) / span };
}

/** The bars of the last two minutes as three SVG paths in a box of 120 by 24, and the highest rate. */
export function sparkline(samples, now) {
  const end = Math.floor(now / STEP) * STEP;
  const moments = Array.from({ length: SPAN / STEP + 1 }, (_, i) => end - SPAN + i * STEP);
  const known = samples.length ? totalsAt(samples, moments) : [];
  const bars = known.slice(1).map((b, i) => ({ s: b.s - known[i].s, f: b.f - known[i].f, r: b.r - known[i].r }));
  const most = bars.reduce((most, bar) => Math.max(most, bar.s + bar.f + bar.r), 0);
  const paths = { s: "", f: "", r: "" };
  for (const [i, bar] of most > 0 ? bars.entries() : []) {
    let y = 24;
    for (const part of ["s", "f", "r"]) {
      // What happened at all can be seen: no bar is thinner than a pixel.
      const height = bar[part] > 1e-9 ? Math.max(1, (bar[part] / most) * 24) : 0;
      if (!height) continue;
      y = Math.max(0, y - height);
      paths[part] += `M${i * 2} ${y.toFixed(1)}h1.6v${height.toFixed(1)}h-1.6z`;
    }
  }
  const sum = (part) => Math.round(bars.reduce((sum, bar) => sum + bar[part], 0));
  return { ...paths, peak: most / STEP, passed: sum("s"), failed: sum("f"), rejected: sum("r") };
}

const RANK = { open: 0, half_open: 1, closed: 2 };
const byName = (a, b) => (a.view.name < b.view.name ? -1 : a.view.name > b.view.name ? 1 : 0);
const down = (figure) => (a, b) => (figure(b) ?? -1) - (figure(a) ?? -1) || byName(a, b);

/** The orders of the table. Entries are `{view, calls, rejected, arrived}`. */
export const SORTS = {
  state: (a, b) => RANK[a.view.state] - RANK[b.view.state] || (a.view.mode === "auto") - (b.view.mode === "auto") || byName(a, b),
  name: byName,
  since: (a, b) => a.view.time_in_state - a.arrived - (b.view.time_in_state - b.arrived) || byName(a, b),
  failures: down(({ view }) => { const { fill, mark } = strain(view); return mark === null ? -1 : fill / mark; }),
  calls: down((entry) => entry.calls),
  rejected: down((entry) => entry.rejected),
  trips: down((entry) => entry.view.totals.trips),
};

/** Whether a breaker is shown: all words are in its name, and it is of the chosen kind. */
export function matches(view, text, kind) {
  if (kind === "override" ? view.mode === "auto" : kind !== "all" && view.state !== kind) return false;
  const name = view.name.toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => name.includes(word));
}

/** The settings: kind, whether `off` is a value, and what it is. */
export const SETTINGS = {
  failure_threshold: ["count", true, "Failures in a row that open the circuit"],
  recovery_timeout: ["time", false, "How long it stays open before a trial"],
  half_open_max_calls: ["count", false, "Trial calls admitted while half-open"],
  success_threshold: ["count", false, "Successful trials that close it"],
  half_open_timeout: ["time", false, "Half-open without a verdict for so long: open again"],
  failure_rate_threshold: ["share", true, "Share of failures, 0 to 1, that opens it"],
  slow_call_duration: ["time", true, "A call that takes longer is slow"],
  slow_call_rate_threshold: ["share", true, "Share of slow calls, 0 to 1, that opens it"],
  window_size: ["count", false, "Window of the rates, in calls"],
  window_duration: ["time", false, "Window of the rates, in time"],
  minimum_calls: ["count", false, "Fewest calls in the window for a rate"],
  multiplier: ["share", false, "Growth of the open time with each re-opening"],
  max_recovery_timeout: ["time", true, "The longest open time"],
  jitter: ["share", false, "Random spread of the open time, 0 to 1"],
  timeout: ["time", true, "Time limit of an async call"],
};

/** A setting as the form shows it. */
export function settingText(key, value) {
  const [kind, off] = SETTINGS[key] ?? [];
  if (value === null || value === undefined) return off ? "off" : "";
  return kind === "time" ? exactDuration(value) : String(value);
}

/** What a text means for a setting: `{value}` as the server takes it, or `{error}`. */
export function readSetting(key, text) {
  const [kind, off] = SETTINGS[key];
  const trimmed = text.trim();
  if (off && (trimmed === "" || trimmed.toLowerCase() === "off")) return { value: null };
  const hint = off ? ", or off" : "";
  if (kind === "time") {
    if (parseDuration(trimmed) === null) return { error: `write a duration such as 30s, 1m30s or 250ms${hint}` };
    return { value: /[a-z]/.test(trimmed) ? trimmed : Number(trimmed) };
  }
  const valid = kind === "count" ? /^\d+$/.test(trimmed) : /^(\d+\.?\d*|\.\d+)$/.test(trimmed);
  return valid ? { value: Number(trimmed) } : { error: `write a ${kind === "count" ? "whole " : ""}number${hint}` };
}

/** What a form changes: the body to send, and what is wrong, by key. `shown` and `typed` map keys to texts. */
export function changesOf(shown, typed) {
  const [body, errors] = [{}, {}];
  for (const [key, text] of Object.entries(typed)) {
    if (text.trim() === (shown[key] ?? "").trim()) continue;
    const { value, error } = readSetting(key, text);
    if (error) errors[key] = error;
    else body[key] = value;
  }
  return { body, errors };
}

/** A message without the name that stands beside it. */
export function brief(message, breaker) {
  const prefix = `circuit '${breaker}': `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

const LOGGED = ["transition", "mode", "reset", "config", "registered", "removed", "would_open", "conflict", "warning"];

/** Everything that the server has told, kept current. Who draws it empties `changed`, `gone` and `news`. */
export class Store {
  entries = new Map();
  alerts = [];
  /** The last hundred events, newest first: `{type, breaker, at, text, by, to}`. */
  log = [];
  changed = new Set();
  gone = new Set();
  /** Events that are new to who watches, for those who cannot see the page. */
  news = [];
  /** Whether anything was ever told, and the name of the service, if it has one. */
  filled = false;
  service = "";
  #known = new Set();

  /** Takes an event of the stream. */
  event(type, data, now) {
    if (type === "snapshot") this.snapshot(data, now);
    else if (type === "stats") this.stats(data, now);
    else if (type === "lagged") this.#note(type, { at: null, message: `${data.missed} events were missed` });
    else if (LOGGED.includes(type)) this.#happened(type, data, now);
  }

  /** Takes the whole: what is not in it is gone. `interval` is the time to the one before, if there is no history. */
  snapshot({ circuit_breakers: views, alerts, summary, history = {} }, now, interval = 1) {
    const names = new Set(views.map((view) => view.name));
    for (const name of this.entries.keys()) if (!names.has(name)) this.#remove(name);
    // The server's clock at this moment; only times of the same server are compared with it.
    const wall = Math.max(...views.map((view) => Date.parse(view.since) / 1000 + view.time_in_state));
    for (const view of views) {
      const past = history[view.name];
      if (past?.length) {
        const samples = past.map(([t, s, f, r]) => ({ t: now - Math.max(0, wall - t), s, f, r }));
        this.entries.set(view.name, { calls: null, rejected: null, ...this.entries.get(view.name), view, samples });
      }
    }
    this.stats({ circuit_breakers: views, alerts }, now, interval);
    Object.assign(this, { filled: true, service: summary?.service ?? "" });
  }

  /** Takes what has changed. */
  stats({ circuit_breakers: views = [], alerts, removed = [] }, now, interval = 1) {
    for (const name of removed) this.#remove(name);
    for (const view of views) this.view(view, now, interval);
    if (alerts) this.alerts = alerts;
  }

  /** Takes one breaker. */
  view(view, now, interval = 1) {
    const entry = this.entries.get(view.name) ?? { samples: [], calls: null, rejected: null };
    this.entries.set(view.name, Object.assign(entry, { view, arrived: now }));
    addSample(entry.samples, now, view.totals, interval);
    this.changed.add(view.name);
    this.gone.delete(view.name);
    if (view.last_transition) this.#note("transition", { ...view.last_transition, breaker: view.name });
  }

  /** How many breakers there are in each state, and how many are overridden. */
  totals() {
    const totals = { all: this.entries.size, open: 0, half_open: 0, closed: 0, override: 0 };
    for (const { view } of this.entries.values()) {
      totals[view.state]++;
      if (view.mode !== "auto") totals.override++;
    }
    return totals;
  }

  #remove(name) {
    this.entries.delete(name);
    this.changed.delete(name);
    this.gone.add(name);
  }

  /** Shows an event at once; the figures follow within a second. */
  #happened(type, data, now) {
    const entry = this.entries.get(data.breaker);
    if (entry && type === "transition" && entry.view.mode === "auto") {
      const { to: state, retry_after, generation } = data;
      entry.view = { ...entry.view, state, retry_after, generation, time_in_state: 0, half_open: null };
      entry.arrived = now;
    }
    if (entry && type === "mode") entry.view = { ...entry.view, mode: data.to };
    if (entry) this.changed.add(data.breaker);
    this.#note(type, data);
  }

  #note(type, { breaker = null, at = null, message = "", by = null, to = null }) {
    // A transition is told as an event, and again with each snapshot.
    const key = JSON.stringify([type, breaker, at, message]);
    if (at !== null && this.#known.has(key)) return;
    this.#known.add(key);
    if (this.#known.size > 4000) this.#known = new Set([...this.#known].slice(-2000));
    const line = { type, breaker, at, text: breaker === null ? message : brief(message, breaker), by, to };
    const before = at === null ? 0 : this.log.findIndex((other) => other.at !== null && other.at <= at);
    this.log.splice(before < 0 ? this.log.length : before, 0, line);
    this.log.length = Math.min(this.log.length, 100);
    if (this.filled) this.news.push(line);
  }
}
