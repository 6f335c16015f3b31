// What the dashboard makes of what the server tells. Run by `node --test tests/dashboard/`.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as model from "../../runtime/src/admin/dashboard/model.js";
import * as settings from "../../runtime/src/admin/dashboard/settings.js";
import * as stream from "../../runtime/src/admin/dashboard/stream.js";

const view = (name, more = {}) => ({
  name, state: "closed", mode: "auto", generation: 1, since: "2026-11-21T00:00:00.000Z", time_in_state: 10, retry_after: null,
  window: { calls: null, failures: null, failure_ratio: null, slow_call_ratio: null, consecutive_failures: 0 },
  half_open: null, totals: { successes: 0, failures: 0, rejections: 0, trips: 0 }, last_transition: null,
  config: { failure_threshold: 5, failure_rate_threshold: null, minimum_calls: null }, origins: {}, ...more,
});
const totals = (successes, failures = 0, rejections = 0) => ({ successes, failures, rejections, trips: 0 });

const STREAM = "\uFEFFretry: 1500\r\n\r\n: still here\r\rid: a-1\nevent: transition\ndata: {\"x\":\ndata: 1}\n\nevent: stats\ndata:{}\n\n";

test("events are the same however the stream is cut", () => {
  const text = STREAM.slice(1);
  const whole = new stream.EventReader().feed(text);
  assert.deepEqual(whole, [{ type: "transition", data: '{"x":\n1}', id: "a-1" }, { type: "stats", data: "{}", id: "a-1" }]);
  for (let size = 1; size <= text.length; size++) {
    const reader = new stream.EventReader();
    const events = [];
    for (let at = 0; at < text.length; at += size) events.push(...reader.feed(text.slice(at, at + size)));
    assert.deepEqual(events, whole, `in pieces of ${size}`);
    assert.equal(reader.retry, 1500);
  }
});

test("an event without data is none, and one that is cut off is not told", () => {
  const reader = new stream.EventReader();
  assert.deepEqual(reader.feed("event: stats\n\nevent: stats\ndata: 1\n"), []);
  assert.deepEqual(reader.feed("\n"), [{ type: "stats", data: "1", id: "" }]);
});

test("a field without a colon, an id with a NUL and a retry that is no number change nothing", () => {
  const reader = new stream.EventReader();
  assert.deepEqual(reader.feed("id: b\0\nretry: soon\nwhat: is it\ndata\n\n"), [{ type: "message", data: "", id: "" }]);
  assert.equal(reader.retry, 2000);
});

test("a long line in small pieces is read once", () => {
  const reader = new stream.EventReader();
  const data = "x".repeat(2_000_000);
  const started = performance.now();
  reader.feed("data: ");
  for (let at = 0; at < data.length; at += 1000) assert.deepEqual(reader.feed(data.slice(at, at + 1000)), []);
  assert.equal(reader.feed("\n\n")[0].data.length, data.length);
  assert(performance.now() - started < 5000);
});

test("the wait doubles up to half a minute and is spread", () => {
  assert.deepEqual([0, 1, 2, 9].map((attempt) => stream.backoff(attempt, 2000, 1)), [2000, 4000, 8000, 30_000]);
  assert.equal(stream.backoff(0, 2000, 0), 1000);
  assert(stream.backoff(0, 0, 0) > 0);
});

test("the light tells live, polling, reconnecting, stale and locked apart", () => {
  const state = (link) => stream.lightOf({ ready: false, locked: false, heard: null, polled: null, ...link }).state;
  assert.equal(state({ ready: true, heard: 3 }), "live");
  assert.equal(state({ ready: true, heard: 21 }), "stale");
  assert.equal(state({ heard: 60, polled: 1 }), "polling");
  assert.equal(state({ heard: 3 }), "reconnecting");
  assert.equal(state({ heard: 13, polled: 40 }), "stale");
  assert.equal(state({}), "reconnecting");
  assert.equal(state({ locked: true, ready: true, heard: 0 }), "locked");
});

test("a length of time is shown in two units at most", () => {
  const cases = [[0, "0s"], [0.9, "0s"], [21, "21s"], [192, "3m 12s"], [7200, "2h"], [7260, "2h 1m"], [3605, "1h"], [266_400, "3d 2h"], [-3, "0s"], [null, "–"]];
  for (const [seconds, text] of cases) assert.equal(model.duration(seconds), text);
});

test("a length of time to edit is exact and reads back", () => {
  const cases = [[30, "30s"], [90, "1m30s"], [3600, "1h"], [93_784, "1d2h3m4s"], [0.25, "250ms"], [1.5, "1.5s"], [0.0000015, "1.5us"], [90.5, "90.5s"]];
  for (const [seconds, text] of cases) {
    assert.equal(settings.exactDuration(seconds), text);
    assert.equal(settings.parseDuration(text), seconds);
  }
});

test("what is no duration is null", () => {
  for (const text of ["", "s", "30 parsecs", "-5", "1e3", "NaN", "1.2.3s", "30s!", "∞"]) assert.equal(settings.parseDuration(text), null, text);
  assert.equal(settings.parseDuration(" 1h 1m "), 3660);
});

test("a countdown runs by the time since it was told, and ends at zero", () => {
  assert.equal(model.remaining(21.4, 100, 105), 16.4);
  assert.equal(model.remaining(2, 100, 105), 0);
  const open = view("a", { state: "open", retry_after: 21.4 });
  assert.equal(model.outlook(open, 100, 105).text, "in 17s");
  assert.equal(model.outlook(open, 100, 200).text, "due");
  assert.equal(model.outlook({ ...open, mode: "forced_open", retry_after: null }, 100, 105).text, "No end");
});

test("strain is measured against the threshold that is set", () => {
  assert.deepEqual(model.strain(view("a")), { fill: 0, mark: 1, over: false, text: "0 of 5", detail: "failures in a row" });
  const rated = { failure_threshold: null, failure_rate_threshold: 0.5, minimum_calls: 10 };
  const window = { calls: 20, failures: 12, failure_ratio: 0.6, slow_call_ratio: null, consecutive_failures: 2 };
  assert.deepEqual(model.strain(view("a", { config: rated, window })), { fill: 0.6, mark: 0.5, over: true, text: "60 % of 50 %", detail: "12 of 20 calls" });
  const early = model.strain(view("a", { config: rated, window: { ...window, calls: 3, failures: 3, failure_ratio: null } }));
  assert.deepEqual([early.fill, early.over, early.text, early.detail], [0, false, "– of 50 %", "3 of 10 calls needed"]);
  const both = (more) => model.strain(view("a", { config: { ...rated, failure_threshold: 5 }, window: { ...window, ...more } })).text;
  assert.equal(both({ failure_ratio: 0.2, consecutive_failures: 1 }), "20 % of 50 %");
  assert.equal(both({ failure_ratio: null, consecutive_failures: 5 }), "5 of 5");
  assert.equal(model.strain(view("a", { config: { failure_threshold: null, failure_rate_threshold: null } })).text, "not counted");
  const slow = { config: { failure_threshold: 5, slow_call_rate_threshold: 0.6 }, window: { ...window, slow_calls: 9, slow_call_ratio: 0.45 } };
  const told = { fill: 0.45, mark: 0.6, over: false, text: "45 % of 60 % slow", detail: "9 of 20 calls, 2 of 5 in a row" };
  assert.deepEqual(model.strain(view("a", slow)), told);
});

test("rates are of the last ten seconds, and fall when nothing more comes", () => {
  const samples = [];
  for (let t = 0; t <= 20; t++) model.addSample(samples, t, totals(t * 3, t, t * 2), 1);
  assert.deepEqual(model.rates(samples, 20), { calls: 4, rejected: 2 });
  assert.deepEqual(model.rates(samples, 25), { calls: 2, rejected: 1 });
  assert.deepEqual(model.rates(samples, 40), { calls: 0, rejected: 0 });
  assert.deepEqual(model.rates([], 40), { calls: null, rejected: null });
});

test("what comes after a silence came in the last second", () => {
  const samples = [];
  model.addSample(samples, 0, totals(0), 1);
  model.addSample(samples, 60, totals(30), 1);
  assert.deepEqual(samples.map(({ t, s }) => [t, s]), [[0, 0], [59, 0], [60, 30]]);
});

test("samples of more than two minutes ago are let go, and a server that starts again starts them again", () => {
  const samples = [];
  for (let t = 0; t <= 500; t++) model.addSample(samples, t, totals(t), 1);
  assert(samples.length < 130 && samples[0].t <= 500 - 120);
  model.addSample(samples, 501, totals(2), 1);
  assert.equal(samples.length, 1);
});

test("the bars stack up to the highest rate and count what happened", () => {
  const samples = [];
  for (let t = 0; t <= 120; t++) model.addSample(samples, t, totals(t < 60 ? t : 60, t < 60 ? 0 : t - 60, 0), 1);
  const bars = model.sparkline(samples, 120);
  assert.deepEqual([bars.passed, bars.failed, bars.rejected, bars.peak], [60, 60, 0, 1]);
  assert.equal(bars.s.split("M").length - 1, 30);
  assert.equal(bars.r, "");
  assert.match(bars.s, /^M0 0\.0h1\.6v24\.0h-1\.6z/);
  assert.deepEqual(model.sparkline([], 120), { s: "", f: "", r: "", peak: 0, passed: 0, failed: 0, rejected: 0 });
});

test("open comes first, then half-open, then what an operator holds closed, then by name", () => {
  const entries = [view("d"), view("c", { state: "half_open" }), view("b", { state: "open" }), view("e", { mode: "disabled" }), view("a", { state: "open" })];
  const sorted = entries.map((view) => ({ view, arrived: 0 })).sort(model.SORTS.state);
  assert.deepEqual(sorted.map(({ view }) => view.name), ["a", "b", "c", "e", "d"]);
});

test("the filter takes all words and one kind", () => {
  assert(model.matches(view("Payments EU"), "eu pay", "all"));
  assert(!model.matches(view("Payments EU"), "us pay", "all"));
  assert(!model.matches(view("a"), "", "open"));
  assert(model.matches(view("a", { mode: "forced_open", state: "open" }), "", "override"));
});

test("only what was changed is sent, as its kind, and `off` as null", () => {
  const shown = { failure_threshold: "5", recovery_timeout: "30s", timeout: "off", failure_rate_threshold: "0.5", window_duration: "" };
  const typed = { failure_threshold: " 7 ", recovery_timeout: "30s ", timeout: "2s", failure_rate_threshold: "off", window_duration: "60" };
  assert.deepEqual(settings.changesOf(shown, typed), { body: { failure_threshold: 7, timeout: "2s", failure_rate_threshold: null, window_duration: 60 }, errors: {} });
  const wrong = settings.changesOf(shown, { ...shown, failure_threshold: "1.5", recovery_timeout: "off", failure_rate_threshold: "half" });
  assert.deepEqual(Object.keys(wrong.errors), ["failure_threshold", "recovery_timeout", "failure_rate_threshold"]);
  assert.deepEqual(wrong.body, {});
});

test("a setting is shown as it can be typed", () => {
  assert.deepEqual([["failure_threshold", null], ["window_size", null], ["recovery_timeout", 30], ["jitter", 0.1]].map(([key, value]) => settings.settingText(key, value)), ["off", "", "30s", "0.1"]);
});

const happened = { breaker: "a", from: "closed", to: "open", reason: "failure_threshold", at: "2026-11-21T00:00:05.000Z", message: "circuit 'a': closed -> open (5 consecutive failures)", by: null };

test("a transition shows at once, and is told once", () => {
  const store = new model.Store();
  store.event("snapshot", { circuit_breakers: [view("a"), view("b")], alerts: [], history: {} }, 100);
  store.event("transition", { ...happened, retry_after: 30, generation: 2 }, 101);
  assert.equal(store.entries.get("a").view.state, "open");
  assert.equal(model.outlook(store.entries.get("a").view, store.entries.get("a").arrived, 111).text, "in 20s");
  store.event("stats", { circuit_breakers: [view("a", { state: "open", last_transition: happened })] }, 102);
  assert.deepEqual(store.log.map(({ type, breaker, text }) => [type, breaker, text]), [["transition", "a", "closed -> open (5 consecutive failures)"]]);
  assert.equal(store.news.length, 1);
  assert.deepEqual(store.totals(), { all: 2, open: 1, half_open: 0, closed: 1, override: 0 });
});

test("what a snapshot does not hold is gone, and what was before the first is no news", () => {
  const store = new model.Store();
  store.event("snapshot", { circuit_breakers: [view("a", { last_transition: happened }), view("b")], alerts: [] }, 100);
  assert.deepEqual([store.log.length, store.news.length], [1, 0]);
  store.event("snapshot", { circuit_breakers: [view("b")], alerts: [] }, 101);
  assert.deepEqual([[...store.entries.keys()], [...store.gone]], [["b"], ["a"]]);
  store.event("stats", { circuit_breakers: [], removed: ["b"] }, 102);
  assert.equal(store.entries.size, 0);
});

test("history is laid on the browser's clock, whatever the server's clock says", () => {
  const store = new model.Store();
  const wall = Date.parse("2026-11-21T00:00:10.000Z") / 1000;
  const history = { a: [[wall - 3, 10, 0, 0], [wall - 2, 20, 0, 0], [wall - 1, 30, 0, 0]] };
  store.event("snapshot", { circuit_breakers: [view("a", { totals: totals(40) })], alerts: [], history }, 5000);
  assert.deepEqual(store.entries.get("a").samples.map(({ t, s }) => [t, s]), [[4997, 10], [4998, 20], [4999, 30], [5000, 40]]);
});

test("the log keeps the newest hundred, the newest first", () => {
  const store = new model.Store();
  store.event("snapshot", { circuit_breakers: [], alerts: [] }, 0);
  const at = (i) => new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString();
  for (let i = 0; i < 250; i++) store.event("reset", { breaker: "a", at: at(i), message: "circuit 'a': reset", by: "alice" }, i);
  store.event("reset", { breaker: "a", at: at(200.5), message: "circuit 'a': reset", by: "bob" }, 251);
  assert.equal(store.log.length, 100);
  assert.equal(store.log[0].at, at(249));
  assert.deepEqual(store.log.map((line) => line.at), store.log.map((line) => line.at).sort().reverse());
  store.event("lagged", { missed: 3 }, 252);
  assert.equal(store.log[0].text, "3 events were missed");
});

const kept = (more = {}) => ({ store: "redis", source: "remote", epoch: 17, votes: { given: 1, needed: 2 }, synced: "2026-11-21T00:00:04.000Z", degraded: null, ...more });

test("a transition that the fleet told shows as one, and is told once", () => {
  const store = new model.Store();
  store.event("snapshot", { circuit_breakers: [view("a")], alerts: [] }, 100);
  const told = { ...happened, reason: "remote", message: "circuit 'a': closed -> open (told by the fleet)" };
  store.event("remote_transition", { ...told, retry_after: 30, generation: 2 }, 101);
  const { view: shown } = store.entries.get("a");
  assert.deepEqual([shown.state, shown.since], ["open", happened.at]);
  store.event("stats", { circuit_breakers: [view("a", { state: "open", last_transition: told })] }, 102);
  assert.deepEqual(store.log.map(({ type, text }) => [type, text]), [["remote_transition", "closed -> open (told by the fleet)"]]);
  assert(model.isTransition(store.log[0].type) && !model.isOfAll(store.log[0]));
});

test("what becomes of a store is in the log, and about all", () => {
  const store = new model.Store();
  store.event("snapshot", { circuit_breakers: [view("a")], alerts: [] }, 100);
  for (const [type, second] of [["store_degraded", 1], ["store_recovered", 2]]) {
    store.event(type, { breaker: null, store: "file", at: `2026-11-21T00:00:0${second}.000Z`, message: `file store: ${type}` }, 101);
  }
  store.event("state_unusable", { breaker: "a", store: "file", at: "2026-11-21T00:00:03.000Z", message: "circuit 'a': its state cannot be used" }, 102);
  assert.deepEqual(store.log.map((line) => [line.type, line.text, model.isOfAll(line)]), [
    ["state_unusable", "its state cannot be used", false],
    ["store_recovered", "file store: store_recovered", true],
    ["store_degraded", "file store: store_degraded", true],
  ]);
});

test("the trouble of a store is what most breakers tell", () => {
  assert.equal(model.storeTrouble([view("a"), view("b", { store: null }), view("c", { store: kept() })]), null);
  const degraded = (problem) => view("x", { store: kept({ degraded: problem }) });
  const told = model.storeTrouble([degraded("its file is of a later version"), degraded("away"), view("a", { store: kept() }), degraded("away")]);
  assert.deepEqual(told, { store: "redis", problem: "away", count: 2 });
});

test("how a state is kept is told by the server's clock and the time since it was told", () => {
  const since = { since: "2026-11-21T00:00:00.000Z", time_in_state: 10 };
  const facts = (store, now = 105) => Object.fromEntries(model.keptAs(view("a", { ...since, store }), 100, now) ?? []);
  // Told at second 10 of the server, synced at second 4, and five seconds ago.
  assert.deepEqual(facts(kept()), { Store: "redis", "State from": "the fleet", Epoch: "17", "Votes to open": "1 of 2", "Last sync": "11s ago" });
  assert.deepEqual(facts(kept({ store: "file", source: "restored", epoch: null, votes: null, synced: null })), { Store: "file", "State from": "an earlier process", "Last sync": "not yet" });
  assert.equal(facts(kept({ synced: "2026-11-21T00:01:00.000Z" }))["Last sync"], "0s ago");
  assert.equal(model.keptAs(view("a", since), 100, 105), null);
  assert.equal(model.keptAs(view("a", { ...since, store: null }), 100, 105), null);
});
