// Draws the best-so-far curves with uPlot; after the first time only points that are new are asked for.
"use strict";

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const COLUMNS = ["n", "score", "low", "high", "estimate", "best"];
const drawn = [];

class Curve {
  constructor(figure) {
    this.figure = figure;
    this.goal = Number(figure.dataset.goal);
    this.rows = new Map();
    this.plot = null;
  }

  take(all) {
    const told = all[this.goal];
    if (!told) return;
    this.told = told;
    told.number.forEach((number, i) => this.rows.set(number, COLUMNS.map((name) => told[name][i])));
    this.draw();
  }

  data() {
    const numbers = [...this.rows.keys()].sort((a, b) => a - b);
    const column = (i) => numbers.map((number) => this.rows.get(number)[i]);
    const scale = this.percent() ? 100 : 1;
    const scaled = (i) => column(i).map((value) => (value === null ? null : scale * value));
    this.counts = column(0);
    return [numbers, scaled(5), scaled(1), scaled(2), scaled(3), scaled(4)];
  }

  percent() { return ["accuracy", "worst_slice"].includes(this.told.kind); }

  draw() {
    const place = this.figure.querySelector(".plot"), data = this.data();
    if (!data[0].length) return;
    if (this.plot) { this.plot.setData(data); return; }
    place.replaceChildren();
    if (!this.readout) {
      this.readout = Object.assign(document.createElement("p"), { className: "readout" });
      this.figure.append(this.readout);
    }
    this.plot = new uPlot(this.options(place), data, place);
    new ResizeObserver(() => this.plot.setSize({ width: place.clientWidth, height: 260 })).observe(place);
  }

  redraw() {
    if (!this.plot) return;
    this.plot.destroy();
    this.plot = null;
    this.draw();
  }

  options(place) {
    const unit = this.percent() ? " %" : "", ink = colour("--soft"), line = colour("--line");
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    return {
      width: place.clientWidth, height: 260, legend: { show: false }, padding: [8, 8, 0, 0],
      cursor: { points: { size: 7 }, drag: { x: true, y: false } },
      scales: { x: { time: false }, y: { range: (u, low, high) => this.range(low, high) } },
      axes: [{ ...axis, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000] }, { ...axis, size: 52, values: (u, ticks) => ticks.map((tick) => +tick.toFixed(6) + unit) }],
      series: [
        {},
        { label: "best so far", stroke: colour("--blue"), width: 2, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false }, spanGaps: true },
        { label: "score", stroke: ink, paths: () => null, points: { show: true, size: 4.5, fill: ink, width: 0 } },
        { label: "from", points: { show: false }, paths: () => null },
        { label: "to", points: { show: false }, paths: () => null },
        { label: "estimate", stroke: ink, paths: () => null, points: { show: true, size: 4.5, fill: "transparent", width: 1, stroke: ink } },
      ],
      hooks: { drawAxes: [(u) => this.beneath(u)], setCursor: [(u) => this.tell(u.cursor.idx)] },
    };
  }

  // What lies under the cursor, in words below the plot.
  tell(i) {
    if (i === null || i === undefined) { this.readout.textContent = ""; return; }
    const [number, best, score, low, high, estimate] = this.plot.data.map((column) => column[i]);
    const digits = this.percent() ? 1 : 3, unit = this.percent() ? " %" : "";
    const said = (value) => value.toFixed(digits).replace("-", "−");
    const own = score !== null ? `${said(score)}${unit}` : estimate !== null ? `about ${said(estimate)}${unit}, stopped early` : "no score";
    const ends = low !== null && high !== null ? ` [${said(low)} to ${said(high)}]` : "";
    const items = score !== null ? `, n = ${this.counts[i]}` : "";
    this.readout.textContent = `Trial ${number}: ${own}${ends}${items}` + (best !== null ? `; best so far ${said(best)}${unit}` : "");
  }

  range(low, high) {
    const lines = Object.values(this.told.baselines).map((value) => value * (this.percent() ? 100 : 1));
    const least = Math.min(low ?? Infinity, ...lines), most = Math.max(high ?? -Infinity, ...lines);
    if (!Number.isFinite(least) || !Number.isFinite(most)) return [0, 1];
    const room = 0.06 * (most - least || 1);
    return [least - room, most + room];
  }

  // Intervals of trials, faint, and what the baselines reach, with their names at the right.
  beneath(u) {
    const ctx = u.ctx, { left, top, width, height } = u.bbox, few = u.data[0].length <= 400;
    ctx.save();
    ctx.beginPath(); ctx.rect(left, top, width, height); ctx.clip();
    ctx.strokeStyle = colour("--faint"); ctx.globalAlpha = few ? 0.4 : 0.12; ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    u.data[0].forEach((number, i) => {
      if (u.data[3][i] === null || u.data[4][i] === null) return;
      const x = u.valToPos(number, "x", true);
      ctx.moveTo(x, u.valToPos(u.data[3][i], "y", true));
      ctx.lineTo(x, u.valToPos(u.data[4][i], "y", true));
    });
    ctx.stroke();
    ctx.globalAlpha = 1; ctx.strokeStyle = ctx.fillStyle = colour("--orange"); ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`; ctx.textAlign = "right";
    const scale = this.percent() ? 100 : 1;
    let lowest = Infinity;
    for (const [name, value] of Object.entries(this.told.baselines).sort((a, b) => b[1] - a[1])) {
      const y = u.valToPos(value * scale, "y", true);
      ctx.beginPath(); ctx.moveTo(left, y); ctx.lineTo(left + width, y); ctx.stroke();
      if (lowest === Infinity || y - lowest > 13 * devicePixelRatio) {
        ctx.fillText(name, left + width - 4 * devicePixelRatio, y - 3 * devicePixelRatio);
        lowest = y;
      }
    }
    ctx.restore();
  }
}

async function fetch_points(after) {
  const url = drawn[0].figure.dataset.curve;
  const answer = await fetch(`${url}?after=${after}`, { credentials: "same-origin" });
  if (!answer.ok) return;
  const all = await answer.json();
  drawn.forEach((curve) => curve.take(all));
}

// Trials that run while others end come late: from the least of those that run on, all is asked for again.
function after() {
  const running = [...document.querySelectorAll('#feed [data-state="running"]')];
  const numbers = running.map((state) => Number(state.closest("li").id.replace("trial-", "")));
  const known = Math.max(-1, ...drawn[0].rows.keys());
  return Math.min(known, ...numbers.map((number) => number - 1), known);
}

let asked_from = -1;

function begin() {
  const figures = [...document.querySelectorAll("[data-curve]")];
  if (!figures.length || drawn.some((curve) => curve.figure.isConnected)) return;
  drawn.splice(0, drawn.length, ...figures.map((figure) => new Curve(figure)));
  fetch_points(-1);
}

document.addEventListener("DOMContentLoaded", () => {
  begin();
  document.addEventListener("htmx:afterSettle", (event) => {
    begin();  // the page may have been read only now
    if (event.target.id !== "poll" || !drawn.length) return;
    fetch_points(Math.min(asked_from, after()));
    asked_from = after();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawn.forEach((curve) => curve.redraw()));
});
