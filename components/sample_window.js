/* What of a very long list is shown and held: which tiles a scroll position means, and which pages of the list they need.
 *
 * Rules: the list is never held whole. `Pages` keeps a few pages around what is looked at and forgets the others; it asks
 * for a page by the cursor of the page before it where that is known, else by position. `total` follows what the server
 * says, and becomes exact when the list's end was seen. Browsers draw no element higher than some millions of pixels, so
 * beyond MOST_PIXELS the scroll bar is a scale: its ends are the list's ends, and it moves more than a pixel per pixel.
 */

export const PAGE = 100;
export const KEPT_PAGES = 9;
const MOST_PIXELS = 8_000_000;
const OLD_MS = 40 * 60 * 1000; // signed addresses of pictures last an hour

/** Tiles as wide as fit: at least `least` pixels, `gap` between them, `caption` pixels of text under each. */
export function layout(width, { least, gap, caption }) {
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const tile = (width - gap * (columns - 1)) / columns;
  return { columns, tile, gap, rowHeight: tile + caption + gap };
}

const heightOf = (total, { columns, rowHeight }) => Math.ceil(total / columns) * rowHeight;

/** Pixels of the list per pixel of the scroll bar. */
function scaleOf(height, total, grid) {
  const real = heightOf(total, grid);
  const drawn = Math.min(real, MOST_PIXELS);
  return drawn > height ? (real - height) / (drawn - height) : 1;
}

/** What lies in a view of `height` pixels at `scrollTop`: first (inclusive) and last (exclusive) tile, and where it is drawn. */
export function view(scrollTop, height, total, grid, overscan = 2) {
  const real = heightOf(total, grid);
  const drawn = Math.min(real, MOST_PIXELS);
  const scale = scaleOf(height, total, grid);
  const top = Math.max(0, Math.min(scrollTop * scale, Math.max(0, real - height)));
  const firstRow = Math.max(0, Math.floor(top / grid.rowHeight) - overscan);
  const lastRow = Math.ceil((top + height) / grid.rowHeight) + overscan;
  return {
    first: Math.min(total, firstRow * grid.columns),
    last: Math.min(total, lastRow * grid.columns),
    seen: Math.min(total, Math.round(top / grid.rowHeight) * grid.columns),
    // Browsers round the height of a view: a row that ends less than a pixel below it is seen.
    seenLast: Math.min(total, Math.floor((top + height + 1) / grid.rowHeight) * grid.columns),
    offset: scrollTop + firstRow * grid.rowHeight - top,
    height: drawn,
  };
}

/** The scroll position that shows tile `index` at the top of a view of `height` pixels. */
export function scrollTo(index, height, total, grid) {
  return Math.floor(index / grid.columns) * grid.rowHeight / scaleOf(height, total, grid);
}

/** The scroll position nearest to the present one in which tile `index` is wholly in view. */
export function reveal(index, scrollTop, height, total, grid) {
  const scale = scaleOf(height, total, grid);
  const top = Math.floor(index / grid.columns) * grid.rowHeight;
  const bottom = top + grid.rowHeight - height;
  if (scrollTop * scale > top) return top / scale;
  return scrollTop * scale < bottom ? bottom / scale : scrollTop;
}

/** Some pages of a list, by number. */
export class Pages {
  constructor() {
    this.pages = new Map(); // number -> { items, next, at, isStale }
    this.total = null;
    this.isExact = false;
  }

  /** The item at `index`, or undefined while it is not here. */
  at(index) {
    return this.pages.get(Math.floor(index / PAGE))?.items[index % PAGE];
  }

  /** Numbers of the pages that tiles first … last need and that are missing or too old, the nearest to them first. */
  wanted(first, last, now) {
    if (this.total === null) return [0];
    if (last <= first) return [];
    const from = Math.floor(first / PAGE);
    const to = Math.floor((last - 1) / PAGE);
    const end = Math.max(0, Math.ceil(this.total / PAGE) - 1);
    const numbers = [];
    for (let number = from; number <= to; number++) numbers.push(number);
    numbers.push(to + 1, from - 1); // what comes next when somebody goes on
    return numbers.filter((number) => number >= 0 && number <= end && this.isDue(number, now));
  }

  isDue(number, now) {
    const page = this.pages.get(number);
    return !page || page.isStale || now - page.at > OLD_MS;
  }

  /** How to ask for a page: by cursor, if the page before is here and still true; else by its place. */
  place(number) {
    const before = this.pages.get(number - 1);
    if (before?.next && !before.isStale) return { cursor: before.next };
    return number ? { position: number * PAGE } : {};
  }

  /** Take in the server's answer for page `number`. */
  put(number, { items, next_cursor: next, total, total_is_exact: isExact }, now) {
    this.pages.set(number, { items, next, at: now, isStale: false });
    const until = number * PAGE + items.length;
    if (!next && (items.length || number === 0)) [this.total, this.isExact] = [until, true];
    else if (!items.length) [this.total, this.isExact] = [Math.min(total, number * PAGE), isExact];
    else [this.total, this.isExact] = [Math.max(total, until + 1), isExact];
  }

  /** Forget the pages that are farthest from tile `index`. */
  trim(index) {
    const here = index / PAGE - 0.5;
    const far = [...this.pages.keys()].sort((a, b) => Math.abs(a - here) - Math.abs(b - here)).slice(KEPT_PAGES);
    for (const number of far) this.pages.delete(number);
  }

  /** Something changed in the list: what is here may be shown, and is asked for again. */
  stale() {
    for (const page of this.pages.values()) page.isStale = true;
  }

  /** Every item that is here. */
  *held() {
    for (const page of this.pages.values()) yield* page.items;
  }
}
