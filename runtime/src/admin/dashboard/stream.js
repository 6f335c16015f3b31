// How the page hears of the server: the events of a stream, and what the light shows of the connection. Pure, as `model.js` is.

import { duration } from "./model.js";

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
