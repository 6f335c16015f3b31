// The page: it listens to the server, and draws what the store holds. All addresses are relative, so that it works under any prefix.

import { $, arrange, attempt, attr, put, show } from "./dom.js";
import { ask, Drawer } from "./drawer.js";
import * as model from "./model.js";
import { drawAlerts, drawHead, drawLog, drawStore, say } from "./parts.js";
import { Row } from "./row.js";
import { backoff, EventReader, lightOf } from "./stream.js";

const API = "circuit-breakers";
const TOKEN = "breakerbox-admin-token";
const now = () => performance.now() / 1000;
const store = new model.Store();

// The token lives as long as the tab, and goes out as a header only. Where storage is switched off, it is kept in memory.
let token = attempt(() => sessionStorage.getItem(TOKEN)) ?? "";
const headers = (more = {}) => (token ? { ...more, Authorization: `Bearer ${token}` } : more);

// The connection.

const link = { ready: false, locked: false, paused: false, hurry: false, heard: null, polled: null, lost: now(), tried: 0, attempt: 0, lastId: "" };
let connection = new AbortController();
let wake = () => {};
const sleep = (ms) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  wake = () => {
    clearTimeout(timer);
    done();
  };
});

function reconnect() {
  Object.assign(link, { attempt: 0, locked: false, hurry: true });
  connection.abort();
  wake();
}

/** Reads the stream to its end. */
async function listen(reader) {
  connection = new AbortController();
  const more = { Accept: "text/event-stream", ...(link.lastId && { "Last-Event-ID": link.lastId }) };
  Object.assign(link, { tried: now(), hurry: false });
  const response = await fetch(`${API}/events`, { headers: headers(more), signal: connection.signal, cache: "no-store" });
  link.locked = response.status === 401;
  if (!response.ok || !response.headers.get("content-type")?.startsWith("text/event-stream")) return;
  const chunks = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let chunk = await chunks.read(); !chunk.done; chunk = await chunks.read()) {
    link.heard = now();
    for (const { type, data, id } of reader.feed(chunk.value)) {
      link.lastId = id;
      if (type === "snapshot") Object.assign(link, { ready: true, attempt: 0, polled: null });
      received(() => store.event(type, JSON.parse(data), now()));
    }
  }
}

async function stream() {
  for (;;) {
    const reader = new EventReader();
    await listen(reader).catch(() => {});
    connection.abort();
    if (link.ready) link.lost = now();
    link.ready = false;
    draw();
    if (!link.hurry) await sleep(link.paused ? 2 ** 30 : backoff(link.attempt++, reader.retry));
  }
}

let polling = false;
/** Asks for the list while there is no stream. */
async function poll() {
  if (link.ready || link.locked || polling || now() - link.lost < 1.5) return;
  polling = true;
  try {
    const answer = async (path) => {
      const signal = AbortSignal.timeout(5000);
      const response = await fetch(path, { headers: headers({ Accept: "application/json" }), signal, cache: "no-store" });
      if (response.status === 401) link.locked = true;
      if (!response.ok) throw new Error(response.statusText);
      return response.json();
    };
    const [list, { alerts }, summary] = await Promise.all([answer(API), answer("alerts"), answer("health")]);
    // A server that is back is asked for the stream at once.
    if (link.polled === null || now() - link.polled > 6) reconnect();
    link.polled = now();
    if (!link.ready) received(() => store.snapshot({ ...list, alerts, summary }, now(), 2));
  } catch {
    // The light tells, when it lasts.
  } finally {
    polling = false;
  }
}

/** Asks the server to do something: `{data}` if it did, else `{detail, key}`. */
async function send(method, path, body) {
  try {
    const content = body === undefined ? {} : { body: JSON.stringify(body) };
    const more = { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) };
    const response = await fetch(`${API}/${path}`, { method, headers: headers(more), ...content, signal: AbortSignal.timeout(10_000) });
    const data = await response.json().catch(() => null);
    if (response.ok) {
      if (data?.name) received(() => store.view(data, now()));
      return { data: data ?? {} };
    }
    const hint = response.status === 401 ? `. ${token ? "Check" : "Enter"} the admin token at the top of the page.` : "";
    return { detail: (data?.detail ?? data?.title ?? `the server answered ${response.status}`) + hint, key: data?.key };
  } catch (error) {
    return { detail: error.name === "TimeoutError" ? "the server did not answer in 10 s" : "the server cannot be reached" };
  }
}

/** Takes news; the title is current even where nothing is drawn, in a tab in the background. */
function received(take) {
  const first = !store.filled;
  take();
  if (first && store.filled) openNamed();
  due = true;
  drawHead(store.service, store.totals().open);
  draw();
}

// Drawing: what has changed, once a frame.

const rows = new Map();
const lines = new WeakMap();
const chosen = { text: "", kind: "all", sort: "state", alerts: false, current: null };
const shown = { order: [], sorted: 0, spoken: 0, ticked: 0, beat: 0, answer: "", until: 0 };
let planned = false;
// Whether the passing of time is to be drawn, too: with the news of each second, or without if there are none.
let due = false;

function draw() {
  if (!planned) requestAnimationFrame(paint);
  planned = true;
}

const looking = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting: inView } of changes) {
    Object.assign(rows.get(target.dataset.breaker) ?? {}, { inView, charted: false });
  }
  due = true;
  draw();
}, { rootMargin: "300px" });

function paint() {
  planned = false;
  const time = now();
  const connected = link.ready && time - link.heard <= 20;
  // Without news, time stands still for rates: nothing is known, which is not the same as nothing happening.
  const fresh = connected ? time : Math.max(link.heard ?? 0, link.polled ?? 0);
  const ticks = due && time - shown.ticked >= 0.4;
  if (ticks) Object.assign(shown, { ticked: time, beat: shown.beat + 1 });
  due &&= !ticks;
  for (const name of store.gone) rows.delete(name);
  store.gone.clear();
  let at = 0;
  for (const [name, entry] of store.entries) {
    const isNew = !rows.has(name);
    if (isNew) rows.set(name, new Row(name, looking));
    const row = rows.get(name);
    const moved = row.root.dataset.state !== entry.view.state;
    if (isNew || store.changed.has(name)) row.update(entry);
    const turn = ticks ? at++ + shown.beat : NaN;
    // Rows out of sight take turns.
    if (moved || turn % 5 === 0 || (ticks && row.inView)) row.tick(entry, time, fresh);
    // The bars are two seconds wide.
    if (row.inView && (turn % 2 === 0 || !row.charted)) row.chart(entry, fresh);
  }
  store.changed.clear();
  paintTable(time);
  drawStore([...store.entries.values()].map(({ view }) => view));
  drawAlerts(store.alerts, chosen.alerts);
  drawLog($("log"), store.log, lines);
  show($("log-empty"), store.log.length === 0);
  if (drawer.name !== null) drawer.update(store.entries.get(drawer.name), time, fresh, store.log);
  paintLight(time);
  speak(time);
}

function paintTable(time) {
  const views = [...store.entries.values()];
  const totals = store.totals();
  for (const item of $("totals").children) put(item.querySelector("b"), store.filled ? model.countText(totals[item.dataset.state]) : "–");
  for (const chip of $("chips").children) put(chip.lastElementChild, store.filled ? String(totals[chip.dataset.kind]) : "");
  // Rows do not run about with each figure: what is ordered by figures is ordered again every five seconds.
  const steady = ["state", "name", "since"].includes(chosen.sort);
  if (steady || time - shown.sorted >= 5 || shown.order.length !== views.length) {
    shown.order = views.sort(model.SORTS[chosen.sort]).map((entry) => entry.view.name);
    shown.sorted = time;
  }
  const isShown = ({ view }) => model.matches(view, chosen.text, chosen.kind);
  const visible = shown.order.filter((name) => store.entries.has(name) && isShown(store.entries.get(name)));
  arrange($("rows"), visible.map((name) => rows.get(name).root));
  if (!visible.includes(chosen.current)) chosen.current = visible[0] ?? null;
  for (const [name, row] of rows) row.button.tabIndex = name === chosen.current ? 0 : -1;
  show($("empty"), visible.length === 0);
  show($("show-all"), store.filled && totals.all > 0);
  put($("empty-text"), !store.filled ? "Waiting for the server." : totals.all ? "No breaker matches." : "No circuit breaker is registered yet.");
}

function paintLight(time) {
  const age = (moment) => (moment === null ? null : time - moment);
  const light = lightOf({ ...link, heard: age(link.heard), polled: age(link.polled) });
  attr($("light"), "data-state", light.state);
  attr(document.body, "data-link", light.state);
  put($("light-text"), light.text);
  const note = light.state === "locked" && token ? "The server refuses this token." : light.note;
  // An answer to the user stays for some seconds, what the light means as long as it is so.
  const text = time < shown.until ? shown.answer : note;
  put($("notice"), text);
  show($("notice"), text !== "");
}

/** A line for the whole page. */
function tell(answer) {
  Object.assign(shown, { answer, until: now() + 8 });
  draw();
}

/** Not more than every three seconds. */
function speak(time) {
  if (!store.news.length || time - shown.spoken < 3) return;
  shown.spoken = time;
  say($(drawer.name === null ? "spoken" : "drawer-spoken"), store.news.splice(0));
}

// What the user does.

const drawer = new Drawer(send, () => {
  history.replaceState(null, "", location.pathname + location.search);
  // Unless the user has gone on already: the word that it is closed comes late.
  const isLost = document.activeElement === document.body || document.activeElement.closest("dialog");
  if (isLost) rows.get(chosen.current)?.button.focus({ preventScroll: true });
});

function open(name) {
  if (!store.entries.has(name)) return;
  chosen.current = name;
  drawer.open(name);
  history.replaceState(null, "", `#${encodeURIComponent(name)}`);
  draw();
}

/** The address may name a breaker, so that a link to one can be sent. */
const openNamed = () => open(attempt(() => decodeURIComponent(location.hash.slice(1))));

function select(change) {
  shown.sorted = 0;
  Object.assign(chosen, change);
  for (const chip of $("chips").children) attr(chip, "aria-pressed", String(chip.dataset.kind === chosen.kind));
  draw();
}

/** Moves from row to row. */
function move(key) {
  const buttons = [...$("rows").querySelectorAll("button.name")];
  const at = buttons.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[key];
  if (to === -1) return $("filter").focus();
  const button = buttons[Math.min(to, buttons.length - 1)];
  if (!button) return;
  chosen.current = button.closest("tr").dataset.breaker;
  button.focus();
  draw();
}

function keep(text) {
  token = text;
  attempt(() => (token ? sessionStorage.setItem(TOKEN, token) : sessionStorage.removeItem(TOKEN)));
  $("token").value = "";
  $("token").placeholder = token ? "saved" : "needed to steer";
  show($("token-forget"), token !== "");
}

$("token-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("token").value.trim();
  if (!/^[\x21-\x7e]+$/.test(text)) return tell("A token consists of visible ASCII characters.");
  keep(text);
  tell("The token is saved for this tab.");
  reconnect();
});
$("token-forget").addEventListener("click", () => {
  keep("");
  tell("The token is forgotten.");
  reconnect();
});
$("filter").addEventListener("input", () => select({ text: $("filter").value.trim() }));
$("sort").addEventListener("change", () => select({ sort: $("sort").value }));
$("chips").addEventListener("click", (event) => {
  const kind = event.target.closest("button")?.dataset.kind;
  if (kind) select({ kind });
});
$("show-all").addEventListener("click", () => {
  $("filter").value = "";
  select({ text: "", kind: "all" });
});
$("alerts-more").addEventListener("click", () => select({ alerts: !chosen.alerts }));
$("reset-all").addEventListener("click", async () => {
  const effect = `All ${store.entries.size} circuits close, with empty windows and in the mode auto. Totals are kept.`;
  if (!(await ask("Reset all breakers", effect, "Reset all"))) return;
  const { data, detail } = await send("POST", "reset-all");
  tell(data ? `${data.reset} breakers are reset.` : detail);
});
document.addEventListener("click", (event) => {
  const named = event.target.closest("[data-open]")?.dataset.open;
  const row = event.target.closest("#rows tr");
  if (named || (row && getSelection().isCollapsed)) open(named || row.dataset.breaker);
});
document.addEventListener("keydown", (event) => {
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!plain || document.querySelector("dialog[open]")) return;
  const inFilter = event.target === $("filter");
  if (event.key === "/" && !event.target.matches("input, select")) {
    event.preventDefault();
    $("filter").select();
    $("filter").focus();
  } else if (inFilter && event.key === "Escape") {
    $("filter").value = "";
    select({ text: "" });
  } else if (event.target.matches("button.name") || (event.key === "ArrowDown" && (inFilter || event.target === document.body))) {
    if (!["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    move(event.key);
  }
});
window.addEventListener("hashchange", openNamed);

// A tab that nobody looks at gives its connection back: a browser has six for a server, and all tabs share them.
let hidden = 0;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hidden);
  if (document.hidden) {
    hidden = setTimeout(() => {
      link.paused = true;
      connection.abort();
    }, 60_000);
  } else if (link.paused) {
    link.paused = false;
    reconnect();
  }
});

keep(token);
put($("host"), location.host);
stream();
setInterval(poll, 2000);
setInterval(() => {
  const silent = now() - Math.max(link.heard ?? 0, link.tried);
  if (!link.locked && silent > 20) connection.abort();
  due ||= now() - shown.ticked > 0.95;
  draw();
}, 1000);
