/* Fetches the pages that a gallery needs: few at a time, the nearest first, none for where somebody only scrolled past.
 *
 * Rules: two requests at most are under way; what is no longer wanted is given up; a fault is told once and tried again
 * with back-off or on demand; an answer of another filter is never taken in.
 */

import { PAGE, Pages } from "./sample_window.js";

const SETTLE_MS = 60; // a scroll bar that is dragged means nothing until it rests
const PARALLEL = 2;
const DELAYS_MS = [500, 2000, 5000, 15000];

export class Feed {
  /** `url` without query; `query` as in the address; `tell()` after every change. */
  constructor(url, query, tell, { get = (...asked) => fetch(...asked), now = () => Date.now() } = {}) {
    Object.assign(this, { url, query, tell, get, now });
    this.pages = new Pages();
    this.problem = "";
    this.range = [0, PAGE];
    this.running = new Map(); // page number -> AbortController
    this.failures = 0;
    this.timer = 0;
    this.isClosed = false;
  }

  /** These tiles are in view now. */
  show(first, last) {
    this.range = [first, last];
    if (!this.timer) this.timer = setTimeout(() => this.settle(first, last), this.pages.total === null ? 0 : SETTLE_MS);
  }

  settle(first, last) {
    this.timer = 0;
    const [from, to] = this.range;
    const isResting = Math.abs(from - first) < PAGE && Math.abs(to - last) < PAGE;
    if (isResting) this.ask();
    else this.timer = setTimeout(() => this.settle(from, to), SETTLE_MS);
  }

  /** Look again at everything that is shown. */
  refresh() {
    this.pages.stale();
    this.ask();
  }

  retry() {
    this.failures = 0;
    this.problem = "";
    this.tell();
    this.ask();
  }

  close() {
    this.isClosed = true;
    clearTimeout(this.timer);
    for (const one of this.running.values()) one.abort();
  }

  ask() {
    if (this.isClosed) return;
    const wanted = this.pages.wanted(...this.range, this.now());
    for (const [number, one] of this.running) {
      if (wanted.includes(number)) continue;
      one.abort();
      this.running.delete(number);
    }
    for (const number of wanted) {
      if (this.running.size >= PARALLEL) return;
      if (!this.running.has(number)) this.fetch(number);
    }
  }

  async fetch(number) {
    const aborting = new AbortController();
    this.running.set(number, aborting);
    const asked = new URLSearchParams(this.query);
    for (const [name, value] of Object.entries({ limit: PAGE, ...this.pages.place(number) })) asked.set(name, value);
    try {
      const answer = await this.get(`${this.url}?${asked}`, { credentials: "same-origin", signal: aborting.signal });
      const body = await answer.json();
      if (aborting.signal.aborted || this.isClosed) return;
      if (!answer.ok) throw new Error(body.detail || `The server answered ${answer.status}.`);
      this.pages.put(number, body, this.now());
      this.pages.trim((this.range[0] + this.range[1]) / 2);
      this.failures = 0;
      this.problem = "";
    } catch (error) {
      if (aborting.signal.aborted || this.isClosed) return;
      this.running.delete(number);
      this.fail(error);
      return;
    }
    this.running.delete(number);
    this.tell();
    this.ask();
  }

  fail(error) {
    this.problem = error instanceof TypeError ? "The server cannot be reached." : error.message;
    const delay = DELAYS_MS[Math.min(this.failures++, DELAYS_MS.length - 1)];
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.ask();
    }, delay);
    this.tell();
  }
}
