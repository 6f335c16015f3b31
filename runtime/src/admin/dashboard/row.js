// The row of a breaker in the table.

import { attr, copy, put, show } from "./dom.js";
import * as model from "./model.js";
import { drawChart } from "./parts.js";

/** It keeps its nodes, and writes only what is different. `looking` tells whether it is in view. */
export class Row {
  #bar;
  #chart;
  constructor(name, looking) {
    Object.assign(this, copy("row"));
    this.root.dataset.breaker = name;
    this.button = this.root.querySelector("button.name");
    this.#bar = this.root.querySelector(".bar");
    this.#chart = this.root.querySelector(".chart");
    put(this.name, name);
    this.button.title = name;
    looking.observe(this.root);
  }

  /** What the server has told. */
  update({ view }) {
    attr(this.root, "data-state", view.state);
    attr(this.root, "data-mode", view.mode);
    put(this.state, model.LABELS[view.state]);
    put(this.mode, model.LABELS[view.mode]);
    show(this.mode, view.mode !== "auto");
    put(this.trips, model.countText(view.totals.trips));
    const { fill, mark, over, text, detail } = model.strain(view);
    attr(this.#bar.querySelector(".fill"), "width", (fill * 100).toFixed(1));
    attr(this.#bar.querySelector(".mark"), "d", mark === null ? "" : `M${Math.min(99, mark * 100).toFixed(1)} 0V8`);
    attr(this.#bar, "data-over", String(over));
    put(this.strain, text);
    attr(this.strain, "title", detail);
  }

  /** What the passing of time changes. */
  tick(entry, time, fresh) {
    const { view, arrived } = entry;
    put(this.since, model.duration(view.time_in_state + time - arrived));
    const { text, detail } = model.outlook(view, arrived, time);
    put(this.next, text);
    put(this["next-detail"], detail);
    Object.assign(entry, model.rates(entry.samples, fresh));
    put(this.calls, model.rateText(entry.calls));
    put(this.rejected, model.rateText(entry.rejected));
    attr(this.rejected, "data-some", String(entry.rejected > 0));
  }

  chart(entry, fresh) {
    drawChart(this.#chart, entry, fresh);
    this.charted = true;
  }
}
