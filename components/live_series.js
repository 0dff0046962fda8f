/* The points of a live chart, kept outside React: they change many times a second and only the plot looks at them.
 *
 * Rules: a point is taken only when its step is newer than the last one held, so snapshot and stream may overlap, and
 * what is streamed while a snapshot is on its way waits for it;
 * a series holds at most LIMIT points (beyond that every second one is dropped, first and last stay).
 */

export const LIMIT = 5000;
const SMOOTHING = 0.85;

function thinned({ step, value }) {
  const last = step.length - 1;
  const keep = (_, index) => index % 2 === 0 || index === last;
  return { step: step.filter(keep), value: value.filter(keep) };
}

export class LiveSeries {
  constructor(names) {
    this.names = names;
    this.series = Object.fromEntries(names.map((name) => [name, { step: [], value: [] }]));
    this.fresh = {};
    this.reading = 0; // snapshots on their way
    this.held = []; // points that were streamed meanwhile
    this.rebuilt = true; // whether the plot must be drawn anew rather than extended
  }

  add(name, step, value) {
    const series = this.series[name];
    if (!series || !Number.isFinite(step) || step <= (series.step.at(-1) ?? -Infinity)) return;
    const shown = Number.isFinite(value) ? value : null; // a gap: the loss was not a number
    series.step.push(step);
    series.value.push(shown);
    const fresh = (this.fresh[name] ??= { x: [], y: [] });
    fresh.x.push(step);
    fresh.y.push(shown);
    if (series.step.length <= LIMIT) return;
    this.series[name] = thinned(series);
    this.rebuilt = true;
  }

  /** `{"series": {name: {"step": [...], "value": [...]}}}` as the REST interface answers. */
  addSnapshot(body) {
    for (const name of this.names) {
      const points = body?.series?.[name];
      points?.step?.forEach((step, index) => this.add(name, step, points.value[index]));
    }
  }

  /** Adds a snapshot that is being read; rejects as `reading` (a promise of its body) does. */
  async awaitSnapshot(reading) {
    this.reading += 1;
    try {
      this.addSnapshot(await reading);
    } finally {
      this.reading -= 1;
      if (this.reading === 0) this.stream(this.held.splice(0));
    }
  }

  /** Points of the live channel. */
  stream(points) {
    if (this.reading) this.held.push(...points);
    else for (const { name, step, value } of points) this.add(name, step, value);
  }

  /** What came since the last call: {fresh, rebuilt}. */
  take() {
    const taken = { fresh: this.fresh, rebuilt: this.rebuilt };
    this.fresh = {};
    this.rebuilt = false;
    return taken;
  }

  latest() {
    const found = {};
    for (const name of this.names) {
      const { step, value } = this.series[name];
      if (step.length) found[name] = { step: step.at(-1), value: value.at(-1) };
    }
    return found;
  }

  count(name) {
    return this.series[name].step.length;
  }
}

/** Exponential moving average with the bias of the first points removed (as TensorBoard draws it). */
export function smooth(values) {
  let mean = 0;
  let weight = 1;
  return values.map((value) => {
    if (!Number.isFinite(value)) return value;
    mean = mean * SMOOTHING + value * (1 - SMOOTHING);
    weight *= SMOOTHING;
    return mean / (1 - weight);
  });
}

/** Which theme colour each curve gets: training is always the first, validation the second, others what is free. */
export function colourIndices(names) {
  const wanted = names.map((name) => (name.startsWith("train_") ? 0 : name.startsWith("val_") ? 1 : -1));
  const taken = new Set();
  const first = wanted.map((index) => (index >= 0 && !taken.has(index) ? (taken.add(index), index) : -1));
  let next = 0;
  return first.map((index) => {
    if (index >= 0) return index;
    while (taken.has(next)) next += 1;
    taken.add(next);
    return next;
  });
}

/** "val_loss" → "Validation loss". */
export function wordFor(name) {
  const words = name.replaceAll("_", " ").replace(/^val /, "validation ").replace(/^train /, "training ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function showValue(value) {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 0.001 || size >= 1e5)) return value.toExponential(2);
  return value.toFixed(size < 10 ? 4 : 1);
}
