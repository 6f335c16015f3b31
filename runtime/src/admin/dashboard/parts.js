// The parts of the page around the table: head, strips, charts and logs.

import { $, arrange, attr, copy, put, show } from "./dom.js";
import * as model from "./model.js";

/** Tells at the head of the page and in its title whose breakers these are. */
export function drawHead(service, open) {
  put($("service"), service);
  show($("service"), service !== "");
  const name = service ? `${service}: circuit breakers` : "Circuit breakers";
  const title = open ? `(${open} open) ${name}` : name;
  if (document.title !== title) document.title = title;
}

/** Draws the bars of two minutes. */
export function drawChart(svg, entry, now) {
  const bars = model.sparkline(entry.samples, now);
  for (const [path, part] of [["passed", "s"], ["failed", "f"], ["rejected", "r"]]) attr(svg.querySelector(`.${path}`), "d", bars[part]);
  const counts = `${bars.passed} passed, ${bars.failed} failed, ${bars.rejected} rejected`;
  const text = `last two minutes: ${counts}, at most ${model.rateText(bars.peak)}/s`;
  attr(svg, "aria-label", text);
  return text;
}

/** Brings a list of events up to date. Lines are kept, so that only new ones are made. */
export function drawLog(list, lines, made) {
  const nodes = lines.map((line) => {
    if (made.has(line)) return made.get(line);
    const { root, at, kind, breaker, text } = copy("line");
    const time = line.at === null ? null : new Date(line.at);
    put(at, time === null ? "" : time.toLocaleTimeString("en-GB"));
    if (time !== null) attr(at, "datetime", line.at);
    at.title = line.at ?? "";
    root.dataset.type = line.type;
    if (model.isTransition(line.type)) root.dataset.state = line.to;
    put(kind, model.LABELS[line.to] ?? line.type.replaceAll("_", " "));
    show(breaker, line.breaker !== null);
    put(breaker, line.breaker ?? "");
    breaker.dataset.open = line.breaker ?? "";
    put(text, line.by && !line.text.includes(line.by) ? `${line.text}, by ${line.by}` : line.text);
    made.set(line, root);
    return root;
  });
  arrange(list, nodes);
}

/** Tells what is wrong with the store, for as long as something is. */
export function drawStore(views) {
  const trouble = model.storeTrouble(views);
  show($("store"), trouble !== null);
  if (trouble === null) return;
  const { store, problem, count } = trouble;
  const some = count < views.length ? `${count} of ${views.length} breakers` : "breakers";
  put($("store"), `The ${store} store is degraded, ${some} work in memory: ${problem}`);
}

const SEVERITY = { critical: 0, warning: 1, info: 2 };
const alertNodes = new Map();

/** Brings the strip of alerts up to date: the worst first, then the newest; three of them unless all are wanted. */
export function drawAlerts(alerts, all) {
  const rank = (alert) => SEVERITY[alert.severity] ?? 3;
  const sorted = [...alerts].sort((a, b) => rank(a) - rank(b) || (a.since < b.since ? 1 : -1));
  const some = all ? sorted : sorted.slice(0, 3);
  const keys = some.map((alert) => JSON.stringify([alert.name, alert.breaker]));
  for (const key of alertNodes.keys()) if (!keys.includes(key)) alertNodes.delete(key);
  const nodes = some.map((alert, i) => {
    if (!alertNodes.has(keys[i])) alertNodes.set(keys[i], copy("alert"));
    const node = alertNodes.get(keys[i]);
    attr(node.root, "data-severity", alert.severity);
    attr(node.root, "data-alert", alert.name);
    put(node.severity, alert.severity);
    put(node.title, alert.name);
    show(node.breaker, alert.breaker !== null);
    put(node.breaker, alert.breaker ?? "");
    node.breaker.dataset.open = alert.breaker ?? "";
    put(node.summary, alert.summary.startsWith(`${alert.breaker} `) ? alert.summary.slice(alert.breaker.length + 1) : alert.summary);
    return node.root;
  });
  arrange($("alert-list"), nodes);
  show($("alerts"), sorted.length > 0);
  show($("alerts-more"), sorted.length > 3);
  put($("alerts-more"), all ? "Show fewer" : `Show all ${sorted.length} alerts`);
  attr($("alerts-more"), "aria-expanded", String(all));
}

/** Says what happened, for those who do not see it. */
export function say(node, news) {
  const [{ breaker, text }, ...others] = news;
  put(node, `${breaker ?? ""} ${text}${others.length ? `; and ${others.length} more events` : ""}`);
}
