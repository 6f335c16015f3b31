// The drawer with everything about one breaker, and the question before a change.

import { $, attr, copy, facts, put, show } from "./dom.js";
import * as model from "./model.js";
import { drawChart, drawLog } from "./parts.js";
import * as settings from "./settings.js";

/** Keeps the focus inside an open dialog, also where the browser's own bar would come next. */
function trap(dialog) {
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Tab") return;
    const all = [...dialog.querySelectorAll("button, input, select, a[href]")].filter((node) => !node.disabled && node.checkVisibility());
    const [first, last] = [all[0], all.at(-1)];
    const leaves = event.shiftKey ? [first, dialog].includes(document.activeElement) : document.activeElement === last;
    if (!leaves) return;
    event.preventDefault();
    (event.shiftKey ? last : first).focus();
  });
}

/** Asks before something is done. The cautious answer has the focus. */
export function ask(title, text, yes) {
  const dialog = $("confirm");
  put($("confirm-title"), title);
  put($("confirm-text"), text);
  put($("confirm-yes"), yes);
  dialog.returnValue = "";
  dialog.showModal();
  $("confirm-no").focus();
  return new Promise((done) => {
    dialog.onclose = () => dialog.open || done(dialog.returnValue === "yes");
  });
}

const ACTIONS = {
  reset: ["Reset", "The circuit closes, its window is emptied and its mode becomes auto. Totals are kept."],
  auto: ["Set to auto", "The circuit decides by itself again."],
  "force-open": ["Force open", "Every call is refused until an operator ends it."],
  disable: ["Disable", "Every call passes and nothing is recorded: there is no protection."],
  "metrics-only": ["Set to metrics only", "Every call passes and is recorded, but nothing opens the circuit."],
};
const MODES = { auto: "auto", "force-open": "forced_open", disable: "disabled", "metrics-only": "metrics_only" };
const ORIGINS = {
  breaker_environment: "environment, this breaker",
  environment: "environment, all",
  breaker_configuration: "configuration, this breaker",
  configuration: "configuration, all",
};
const place = (where) => (typeof where === "string" ? where : `${where.file}:${where.line}`);
const when = (time) => (time ? new Date(time).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" }) : "–");

export class Drawer {
  /** The breaker that is shown, or null. */
  name = null;
  #send;
  #dialog = $("drawer");
  #fields = {};
  #shown = {};
  #lines = new WeakMap();

  /** `send(method, path, body)` asks the server and tells `{data}` or `{detail, key}`. `closed()` hears of the end. */
  constructor(send, closed) {
    this.#send = send;
    for (const [key, [, , hint]] of Object.entries(settings.SETTINGS)) this.#field(key, hint);
    for (const dialog of [this.#dialog, $("confirm")]) trap(dialog);
    $("confirm-no").addEventListener("click", () => $("confirm").close());
    $("confirm-yes").addEventListener("click", () => $("confirm").close("yes"));
    $("drawer-close").addEventListener("click", () => this.#dialog.close());
    this.#dialog.addEventListener("click", (event) => {
      if (event.target === this.#dialog) this.#dialog.close();
    });
    this.#dialog.addEventListener("close", () => {
      // The word comes late: another breaker may be shown by now.
      if (this.#dialog.open) return;
      this.name = null;
      closed();
    });
    $("actions").addEventListener("click", (event) => {
      const action = event.target.closest("[data-action]")?.dataset.action;
      if (action) this.#steer(action);
    });
    $("config").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#apply();
    });
    $("config").addEventListener("reset", (event) => {
      event.preventDefault();
      this.#restore();
    });
    $("config").addEventListener("input", (event) => {
      this.#fault(event.target.name, "");
      this.#count();
    });
  }

  #field(key, hint) {
    const field = copy("field");
    const input = field.root.querySelector("input");
    const label = field.root.querySelector("label");
    Object.assign(input, { id: `set-${key}`, name: key });
    input.dataset.testid = `config-${key}`;
    label.htmlFor = input.id;
    put(field.key, key);
    put(field.hint, hint);
    field.error.id = `error-${key}`;
    field.error.dataset.testid = `error-${key}`;
    this.#fields[key] = { ...field, input };
    $("fields").append(field.root);
  }

  /** Shows a breaker. */
  open(name) {
    this.name = name;
    this.#note("");
    this.#shown = {};
    this.#restore();
    if (!this.#dialog.open) this.#dialog.showModal();
    this.#dialog.scrollTop = 0;
    $("drawer-close").focus();
  }

  /** Brings everything up to date. `entry` is undefined if the breaker is gone. */
  update(entry, now, fresh, log) {
    for (const button of $("actions").querySelectorAll("button")) button.disabled = entry === undefined;
    if (entry === undefined) return this.#note(`There is no circuit breaker named “${this.name}” any more.`, "bad");
    const { view, arrived } = entry;
    this.#dialog.dataset.breaker = view.name;
    this.#dialog.dataset.state = view.state;
    put($("drawer-name").firstElementChild, view.name);
    attr($("drawer-state"), "data-state", view.state);
    put($("drawer-state").lastElementChild, model.LABELS[view.state]);
    show($("drawer-mode"), view.mode !== "auto");
    put($("drawer-mode"), model.LABELS[view.mode]);
    for (const [action, mode] of Object.entries(MODES)) {
      attr($("actions").querySelector(`[data-action=${action}]`), "aria-pressed", String(view.mode === mode));
    }
    this.#figures(view, arrived, entry, now);
    const kept = model.keptAs(view, arrived, now);
    show($("kept"), kept !== null);
    facts($("kept-facts"), kept ?? []);
    put($("kept-problem"), view.store?.degraded ?? "");
    show($("kept-problem"), (view.store?.degraded ?? null) !== null);
    put($("chart-text"), `in the ${drawChart(this.#dialog.querySelector(".chart"), entry, fresh)}`);
    this.#settings(view);
    drawLog($("drawer-log"), log.filter((line) => line.breaker === view.name || model.isOfAll(line)).slice(0, 20), this.#lines);
    const stated = (value, at) => `${value} (${place(at)})`;
    const conflict = (it) => `${it.key}: ${stated(it.kept, it.kept_at)} counts, ${stated(it.ignored, it.ignored_at)} does not`;
    this.#list("conflicts", view.conflicts, conflict);
    // A breaker that was made by hand has a place, but no function.
    this.#list("locations", view.locations, (it) => (it.function ? `${it.module}::${it.function}, ${place(it)}` : place(it)));
  }

  #figures(view, arrived, entry, now) {
    const { window, totals } = view;
    const { text, detail } = model.strain(view);
    const next = model.outlook(view, arrived, now);
    const isTimed = (window.slow_call_ratio ?? null) !== null;
    const slow = isTimed ? [["Slow calls", `${model.percent(window.slow_call_ratio)}, ${window.slow_calls} of ${window.calls}`]] : [];
    facts($("now"), [
      [`${model.LABELS[view.state]} for`, model.duration(view.time_in_state + now - arrived)],
      ["Next trial", `${next.text} ${next.detail}`],
      ["Nearest threshold", `${text}, ${detail}`],
      ...slow,
      ["Calls/s", model.rateText(entry.calls)],
      ["Rejected/s", model.rateText(entry.rejected)],
      ["In flight", model.countText(view.in_flight)],
      ["Re-opened", model.countText(view.reopened)],
      ["Last failure", when(view.last_failure)],
      ["Since", when(view.since)],
      ["Preset", view.preset ?? "none"],
      ["Trials that closed it", (view.recovery_success_rate ?? null) === null ? "–" : model.percent(view.recovery_success_rate)],
    ]);
    const counts = ["requests", "successes", "failures", "slow_calls", "ignored", "cancelled", "late", "fallbacks", "trips", "rejections"];
    const states = Object.entries(view.state_seconds ?? {});
    const spent = (state, time) => model.duration(time + (state === view.state ? now - arrived : 0));
    facts($("figures"), [
      ...counts.map((key) => [key, totals[key]]),
      ...Object.entries(totals.rejections_by_reason).map(([reason, count]) => [`rejected: ${reason}`, count]),
    ].map(([term, count]) => [term.replaceAll("_", " "), model.countText(count)])
      .concat(states.map(([state, time]) => [`time ${model.LABELS[state].toLowerCase()}`, spent(state, time)])));
    const paths = Object.entries(totals.transitions).filter(([, count]) => count > 0);
    const path = (key) => key.replace("_to_", " → ").replaceAll("half_open", "half-open");
    facts($("paths"), paths.map(([key, count]) => [path(key), model.countText(count)]));
  }

  #list(id, items, text) {
    show($(id), items.length > 0);
    const list = $(id).querySelector("ul");
    while (list.children.length > items.length) list.lastElementChild.remove();
    while (list.children.length < items.length) list.append(document.createElement("li"));
    items.forEach((item, i) => put(list.children[i], text(item)));
  }

  #settings(view) {
    for (const [key, { input, origin }] of Object.entries(this.#fields)) {
      const text = settings.settingText(key, view.config[key]);
      // What is being edited stays; what is not follows the server.
      if (!this.#dirty(key) && input.value !== text) input.value = text;
      this.#shown[key] = text;
      const from = view.origins[key] ?? "";
      put(origin, from === "preset" && view.preset ? `preset ${view.preset}` : ORIGINS[from] ?? from);
      attr(origin, "data-origin", from);
    }
    this.#count();
  }

  #dirty(key) {
    return this.#fields[key].input.value.trim() !== (this.#shown[key] ?? "").trim();
  }

  #count() {
    const dirty = Object.keys(this.#fields).filter((key) => this.#dirty(key));
    for (const [key, { root }] of Object.entries(this.#fields)) root.classList.toggle("dirty", dirty.includes(key));
    for (const button of $("config").querySelectorAll(".submit button")) button.disabled = dirty.length === 0;
    put($("config-count"), dirty.length === 0 ? "" : `${dirty.length} change${dirty.length === 1 ? "" : "s"}`);
  }

  #restore() {
    for (const [key, { input }] of Object.entries(this.#fields)) {
      input.value = this.#shown[key] ?? "";
      this.#fault(key, "");
    }
    this.#count();
  }

  #fault(key, text) {
    const { input, error } = this.#fields[key];
    put(error, text);
    show(error, text !== "");
    input.setAttribute("aria-invalid", String(text !== ""));
    if (text) input.setAttribute("aria-describedby", error.id);
    else input.removeAttribute("aria-describedby");
    show($("config-error"), false);
  }

  async #apply() {
    const typed = Object.fromEntries(Object.entries(this.#fields).map(([key, { input }]) => [key, input.value]));
    const { body, errors } = settings.changesOf(this.#shown, typed);
    for (const [key, text] of Object.entries(errors)) this.#fault(key, text);
    const wrong = Object.keys(errors)[0];
    if (wrong) return this.#fields[wrong].input.focus();
    if (!Object.keys(body).length) return this.#restore();
    const name = this.name;
    const { data, detail, key } = await this.#send("PUT", `${encodeURIComponent(name)}/config`, body);
    if (this.name !== name) return;
    if (data) {
      for (const changed of Object.keys(body)) {
        this.#shown[changed] = settings.settingText(changed, data.config[changed]);
        this.#fields[changed].input.value = this.#shown[changed];
      }
      this.#restore();
      this.#note(`Saved: ${Object.keys(body).join(", ")}.`);
    } else if (this.#fields[key]) {
      this.#fault(key, detail);
      this.#fields[key].input.focus();
    } else {
      put($("config-error"), detail);
      show($("config-error"), true);
    }
  }

  async #steer(action) {
    const [verb, effect] = ACTIONS[action];
    const name = this.name;
    if (!(await ask(`${verb}: ${name}`, effect, verb))) return;
    const { data, detail } = await this.#send("POST", `${encodeURIComponent(name)}/${action}`);
    if (this.name !== name) return;
    this.#note(data ? `Done: ${verb.toLowerCase()}.` : detail, data ? "" : "bad");
  }

  #note(text, tone = "") {
    put($("drawer-note"), text);
    attr($("drawer-note"), "data-tone", tone);
    show($("drawer-note"), text !== "");
  }
}
