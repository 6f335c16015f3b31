// What the page knows, and what it makes of it. Pure: no DOM, no network, no clock of its own.
// All moments are seconds of one monotonic clock of the browser; the server's wall clock is only shown, never compared.

/** Whole seconds as days, hours, minutes and seconds, the largest that there is first. */
export function unitsOf(seconds) {
  const parts = [[seconds / 86400, "d"], [(seconds / 3600) % 24, "h"], [(seconds / 60) % 60, "m"], [seconds % 60, "s"]];
  const counts = parts.map(([count, unit]) => [Math.floor(count), unit]);
  return counts.slice(Math.max(0, counts.findIndex(([count]) => count > 0)));
}
export const written = (parts) => parts.filter(([count]) => count > 0).map(([count, unit]) => `${count}${unit}`);

/** A length of time to look at, in two units at most: `21s`, `3m 12s`, `2h 5m`. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  return written(unitsOf(Math.max(0, Math.floor(seconds))).slice(0, 2)).join(" ") || "0s";
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

/** What is wrong with the store of these breakers, by what most of them tell: `{store, problem, count}`, or null. */
export function storeTrouble(views) {
  const told = new Map();
  for (const { store } of views) {
    if (!store || store.degraded === null) continue;
    const trouble = told.get(store.degraded) ?? { store: store.store, problem: store.degraded, count: 0 };
    told.set(store.degraded, { ...trouble, count: trouble.count + 1 });
  }
  return [...told.values()].sort((a, b) => b.count - a.count)[0] ?? null;
}

const SOURCES = { local: "this process", restored: "an earlier process", remote: "the fleet" };

/** How a state is kept, as terms and values, or null without a store. */
export function keptAs({ store, since, time_in_state: lasted }, arrived, now) {
  if (!store) return null;
  // Both moments are of the server's clock.
  const age = store.synced === null ? null : (Date.parse(since) - Date.parse(store.synced)) / 1000 + lasted + now - arrived;
  const votes = store.votes && [["Votes to open", `${store.votes.given} of ${store.votes.needed}`]];
  return [
    ["Store", store.store],
    ["State from", SOURCES[store.source] ?? store.source],
    ...(store.epoch === null ? [] : [["Epoch", String(store.epoch)]]),
    ...(votes ?? []),
    ["Last sync", age === null ? "not yet" : `${duration(Math.max(0, age))} ago`],
  ];
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

/** A message without the name that stands beside it. */
export function brief(message, breaker) {
  const prefix = `circuit '${breaker}': `;
  return message.startsWith(prefix) ? message.slice(prefix.length) : message;
}

const LOGGED = [
  "transition", "remote_transition", "mode", "reset", "config", "registered", "removed", "would_open", "conflict", "warning",
  "store_degraded", "store_recovered", "state_unusable",
];
/** Events that are about all breakers. */
export const isOfAll = (line) => line.type.startsWith("store_");
/** A transition that the fleet told is one as well. */
export const isTransition = (type) => type.endsWith("transition");

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
    const last = view.last_transition;
    if (last) this.#note(last.reason === "remote" ? "remote_transition" : "transition", { ...last, breaker: view.name });
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
    if (entry && isTransition(type) && entry.view.mode === "auto") {
      const { to: state, retry_after, generation, at: since } = data;
      entry.view = { ...entry.view, state, retry_after, generation, since, time_in_state: 0, half_open: null };
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
