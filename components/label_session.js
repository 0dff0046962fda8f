/* One person at the editor: which sample is open, what was said about it, and what became of it.
 *
 * Owns the open sample, its history, its lease, the queue of saves and the drafts; knows nothing of React or the DOM.
 * `state` is replaced with every change, so that whoever watches can compare. A value is `{labels, annotations}`.
 */

import { Refused } from "./label_api.js";
import { copiedInto } from "./label_boxes.js";
import { begin, redo, step, undo } from "./label_history.js";
import { hold } from "./label_lease.js";

const EMPTY = { labels: {}, annotations: [] };
export const valueOf = (sample) => ({ labels: sample.labels ?? {}, annotations: sample.annotations ?? [] });
const FRESH_MS = 2000;
const equal = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** True where a value says something, so that it can be saved as a label. Boxes may be none. */
export const isSaid = (value, task) =>
  task === "detection" || (task === "multilabel" ? Array.isArray(value.labels.classes) : Boolean(value.labels.class));

export class LabelSession {
  constructor({ api, samples, drafts, makeSaver, task, canWrite, isReview = false, now = () => performance.now(), timers = globalThis }) {
    Object.assign(this, { api, samples, drafts, task, canWrite, isReview, now, timers });
    this.saver = makeSaver({ put: (id, value, how) => api.save(id, value, how), tell: (id, told) => this.#onSaved(id, told) });
    this.lease = null;
    this.left = new Map(); // sample id → lease that its last save still needs
    this.releasing = new Map(); // sample id → the promise that its lease is given back
    this.opening = 0;
    this.listeners = new Set();
    this.state = {
      phase: "loading", problem: "", sample: null, picture: null, history: begin(EMPTY), lease: { is: "none" }, saving: { is: "idle" },
      offer: null, conflict: null, elsewhere: null, notice: "", pending: 0, began: 0,
    };
  }

  subscribe = (listener) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
  snapshot = () => this.state;

  #set(change) {
    this.state = { ...this.state, ...change, pending: this.saver.pending };
    for (const listener of this.listeners) listener();
  }

  get value() {
    return this.state.history.present;
  }
  get isChanged() {
    return this.state.sample !== null && !equal(this.value, valueOf(this.state.sample));
  }
  get canEdit() {
    return this.canWrite && this.state.phase === "open" && !["refused", "lost"].includes(this.state.lease.is) && !this.state.conflict;
  }

  /** Open the sample that the address names, or the next that waits, or the first. */
  async begin(wanted, query) {
    if (wanted) return this.open(wanted);
    if (this.canWrite && Object.keys(query).length === 0) await this.waiting({ quiet: true });
    if (this.state.sample) return undefined;
    try {
      const first = (await this.api.first(query)).items[0];
      if (first) return await this.open(this.samples.remember(first).sample.id);
      this.#set({ phase: "empty" });
    } catch (failure) {
      this.#set({ phase: "failed", problem: failure.message });
    }
    return undefined;
  }

  /** Open the sample called `id`. What was changed in the one before is saved first. */
  async open(id, { lease = null, fresh = false, began = this.now() } = {}) {
    this.leave();
    const mine = ++this.opening;
    if (!this.samples.has(id) || fresh) this.#set({ phase: "loading", problem: "" });
    try {
      const entry = await this.samples.get(id, { fresh });
      if (mine !== this.opening) return;
      await this.#show(entry, lease, began, mine);
      await this.samples.look(id).catch(() => {}); // the way on is asked again when it is taken
      if (mine === this.opening) this.#set({});
    } catch (failure) {
      if (mine === this.opening) this.#set({ phase: "failed", problem: failure.message });
    }
  }

  async #show({ sample, picture }, lease, began, mine) {
    const shown = await picture.catch(() => "broken");
    if (mine !== this.opening) return;
    const draft = this.canWrite ? this.drafts.of(sample.id) : null;
    const isNews = draft !== null && !equal(draft.value, valueOf(sample));
    if (draft && !isNews) this.drafts.forget(sample.id);
    const said = valueOf(sample);
    // A draft of this very state goes on where it was left; one of an older state is offered and not applied.
    const goesOn = isNews && draft.etag === sample.etag;
    const history = goesOn ? step(begin(said), draft.value, {}) : begin(said);
    this.#set({
      phase: "open", problem: "", sample, picture: shown, history, saving: { is: "idle" }, conflict: null,
      offer: isNews && !goesOn ? draft : null, lease: { is: this.canWrite ? "asking" : "none" },
      notice: goesOn ? "Your changes that were not saved are back. Undo takes them away." : "", began,
    });
    if (!this.canWrite) return;
    await this.releasing.get(sample.id);
    if (mine !== this.opening) return;
    const kept = this.left.get(sample.id);
    this.left.delete(sample.id);
    const given = lease ?? kept?.handOn() ?? null;
    this.lease = hold({ api: this.api, id: sample.id, given, timers: this.timers, tell: (state) => this.#onLease(sample.id, state) });
  }

  /** Save what was changed, and let go of the open sample. A reviewer accepts on purpose only: what is left is a draft. */
  leave() {
    if (!this.isReview && this.isChanged && this.canEdit && isSaid(this.value, this.task)) this.save({ onlyChanged: true });
    this.#letGo();
  }

  #letGo() {
    const { lease, state } = this;
    this.lease = null;
    if (!lease) return;
    // A save that is on its way needs the lease until it arrived.
    if (this.saver.isPending(state.sample?.id)) this.left.set(state.sample.id, lease);
    else this.#release(state.sample.id, lease);
  }

  #release(id, lease) {
    const released = lease.end().finally(() => this.releasing.delete(id));
    this.releasing.set(id, released);
  }

  async go(direction) {
    const { sample } = this.state;
    if (!sample) return;
    const began = this.now();
    try {
      const id = await this.samples.beside(sample.id, direction);
      if (id) await this.open(id, { began });
      else this.#set({ notice: direction > 0 ? "This is the last sample." : "This is the first sample." });
    } catch (failure) {
      this.#set({ notice: failure.message });
    }
  }

  /** On to the next sample that waits for this person, with its lease; `from` says behind which. */
  async waiting({ quiet = false } = {}) {
    const began = this.now();
    const after = this.state.sample?.id;
    this.leave();
    try {
      const { sample, lease } = await this.api.next(after ? { after } : {});
      if (!sample) {
        if (!quiet) this.#set({ notice: "Nothing waits for you here: every other sample is labelled or open elsewhere." });
        if (this.state.sample && this.canWrite && !this.lease) void this.open(this.state.sample.id, { fresh: true });
        return;
      }
      this.samples.remember(sample);
      await this.open(sample.id, { lease, began });
    } catch (failure) {
      this.#set({ notice: failure.message });
    }
  }

  /** The person changed the value; `tag` joins steps that belong together. */
  change(value, tag = "") {
    if (!this.canEdit) return;
    this.#become(step(this.state.history, value, { tag, now: this.now() }));
  }
  undo = () => this.canEdit && this.#become(undo(this.state.history));
  redo = () => this.canEdit && this.#become(redo(this.state.history));

  #become(history) {
    if (history === this.state.history) return;
    const { sample } = this.state;
    this.#set({ history, notice: "", saving: { is: "idle" } });
    if (this.isChanged) this.drafts.keep(sample.id, history.present, sample.etag);
    else this.drafts.forget(sample.id);
  }

  /** Put the value into the queue. Without a change it still says "this is what it shows". */
  save({ onlyChanged = false } = {}) {
    const { sample } = this.state;
    if (!this.canEdit || (onlyChanged && !this.isChanged)) return false;
    if (!isSaid(this.value, this.task)) {
      this.#set({ notice: this.task === "multilabel" ? "Choose classes, or say that none of them applies." : "Choose a class first." });
      return false;
    }
    if (!this.isReview && !this.isChanged && sample.is_labeled && !sample.rejection_reason) return true;
    const isSent = this.sent?.id === sample.id && equal(this.sent.value, this.value) && this.saver.isPending(sample.id);
    this.sent = { id: sample.id, value: this.value };
    if (!isSent) this.saver.save(sample.id, this.value, { etag: sample.etag, token: this.lease?.token });
    return true;
  }

  /** Take the label away. */
  clear() {
    const { sample } = this.state;
    if (!this.canEdit || this.isReview) return;
    this.change(EMPTY);
    if (sample.is_labeled) this.saver.save(sample.id, null, { etag: sample.etag, token: this.lease?.token });
  }

  async copyPrevious() {
    const { sample } = this.state;
    if (!this.canEdit) return;
    try {
      const id = await this.samples.beside(sample.id, -1);
      if (!id) return this.#set({ notice: "There is no sample before this one." });
      const { sample: other } = await this.samples.get(id);
      if (this.state.sample?.id !== sample.id) return;
      if (this.task !== "detection") return this.change({ labels: other.labels, annotations: [] });
      const annotations = copiedInto(this.value.annotations, other.annotations, [sample.width, sample.height]);
      const count = annotations.length - this.value.annotations.length;
      this.change({ ...this.value, annotations });
      this.#set({ notice: count === 1 ? "1 box copied." : `${count} boxes copied.` });
    } catch (failure) {
      this.#set({ notice: failure.message });
    }
  }

  #onSaved(id, told) {
    const { sample } = this.state;
    const lease = this.left.get(id);
    if (lease && (told.is === "saved" || told.is === "refused")) {
      this.left.delete(id);
      this.#release(id, lease);
    }
    if (told.is === "saved") this.#keep(id, told);
    if (told.is === "refused") this.drafts.keep(id, told.value ?? EMPTY, told.failure.problem?.etag ? "another" : "refused");
    if (sample?.id !== id) {
      this.#set(told.is === "refused" ? { elsewhere: { id, message: told.failure.message } } : {});
      return;
    }
    this.#set({ saving: told });
    if (told.is === "refused") void this.#onRefused(told);
  }

  /** What was saved is what the sample says now. */
  #keep(id, { sample: saved, value }) {
    const here = this.samples.has(id);
    const merged = { ...(here?.sample ?? {}), ...saved };
    if (here) this.samples.remember(merged);
    const { sample } = this.state;
    if (sample?.id === id) this.state = { ...this.state, sample: { ...sample, ...saved }, offer: null };
    const said = value ?? EMPTY;
    if (sample?.id !== id || equal(this.value, said)) this.drafts.forget(id);
    else this.drafts.keep(id, this.value, saved.etag);
  }

  async #onRefused({ failure, value }) {
    const word = failure instanceof Refused ? failure.word : "";
    if (word === "leased" || word === "lease-lost") void this.lease?.look(); // the lease says what is shown
    else if (word === "precondition-failed") await this.#compare(value ?? EMPTY);
    else this.#set({ notice: failure.message });
  }

  /** Read the open sample again. Where it is another one now, and what is said here differs, a person has to decide.
   *  `sent` is what a refused save said; without it, what the person has said by the time of the answer. */
  async #compare(sent = null) {
    const { sample } = this.state;
    try {
      const { sample: theirs } = await this.samples.get(sample.id, { fresh: true });
      if (this.state.sample?.id !== sample.id) return;
      const mine = sent ?? this.value;
      this.saver.forget(sample.id);
      if (theirs.etag === this.state.sample.etag) return;
      if (equal(mine, valueOf(theirs)) || equal(mine, valueOf(sample))) this.#set({ sample: theirs, history: begin(valueOf(theirs)), conflict: null });
      else this.#set({ conflict: { mine, theirs } });
    } catch (failure) {
      this.#set({ notice: failure.message });
    }
  }

  /** Somebody changed the sample meanwhile: take what they said. */
  takeTheirs() {
    const { conflict } = this.state;
    if (!conflict?.theirs) return;
    this.saver.forget(conflict.theirs.id);
    this.drafts.forget(conflict.theirs.id);
    this.#set({ sample: conflict.theirs, history: begin(valueOf(conflict.theirs)), conflict: null, saving: { is: "idle" }, notice: "" });
  }

  /** Put my value on top of what they said: a person's decision, and saved when the person says so. */
  keepMine() {
    const { conflict } = this.state;
    if (!conflict?.theirs) return;
    const { theirs, mine } = conflict;
    this.saver.forget(theirs.id);
    this.#set({ sample: theirs, history: step(begin(valueOf(theirs)), mine, {}), conflict: null, saving: { is: "idle" }, notice: "" });
    this.drafts.keep(theirs.id, mine, theirs.etag);
  }

  takeOffer() {
    const { offer, sample } = this.state;
    if (!offer) return;
    this.#set({ offer: null });
    this.change(offer.value);
    this.drafts.keep(sample.id, offer.value, sample.etag);
  }
  dropOffer() {
    this.drafts.forget(this.state.sample.id);
    this.#set({ offer: null });
  }

  #onLease(id, lease) {
    const { sample, history, lease: before } = this.state;
    if (sample?.id !== id) return;
    if (lease.is === "lost" && this.isChanged) this.drafts.keep(id, history.present, sample.etag);
    this.#set({ lease });
    const wasAway = before.is === "lost" || before.is === "refused";
    const isOld = this.now() - (this.samples.has(id)?.at ?? -Infinity) > FRESH_MS;
    // Until now somebody else could change it, or it was read ahead a while ago.
    if (lease.is === "held" && (wasAway || (before.is === "asking" && isOld)) && !this.saver.isPending(id)) void this.#compare();
  }

  /** Try for the lease again; `takeOver` takes it from an own other tab. */
  reclaim = ({ takeOver = false } = {}) => (takeOver ? this.lease?.takeOver() : this.lease?.look());

  /** The live channel says that a lease changed hands. */
  leaseMoved(id) {
    if (this.state.sample?.id === id) void this.lease?.look();
  }
  dismiss = () => this.#set({ notice: "" });
  dismissElsewhere = () => this.#set({ elsewhere: null });

  /** The page goes away: what is changed stays as a draft, or is saved if it is complete. */
  end() {
    this.opening += 1;
    for (const lease of [this.lease, ...this.left.values()]) void lease?.end();
    this.lease = null;
  }
}
