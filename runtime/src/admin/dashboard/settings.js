// The settings of a breaker as a form shows and reads them. Pure, as `model.js` is.

import { unitsOf, written } from "./model.js";

const UNITS = { d: 86400, h: 3600, m: 60, s: 1, ms: 1e-3, us: 1e-6, ns: 1e-9 };

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
  max_keys: ["count", false, "Keys with a breaker of their own, where there is one for each key"],
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
