/* One upload on its way: batches of files into the store, then registered. Knows no page; tells `onChange` that
 * something is different.
 *
 * Six files are put at the same time. While one batch is registered the next is put already. Each batch has one
 * Idempotency-Key for as long as it is tried, so a lost answer never makes anything twice. A pause stops what is on its
 * way into the store; what has arrived there is not sent again, and is registered when the upload goes on. Two tabs may
 * do the same: whatever the other one was faster with is there. A video is a batch of its own; the server says whether it
 * is put in parts.
 */

import { Failure, persistently, post, put } from "./upload_network.js";
import { mark } from "./upload_memory.js";
import { putInParts } from "./upload_parts.js";
import { inParallel, nextBatch, settle, settleVideo, totals } from "./upload_plan.js";

const PARALLEL = 6;
const LONGEST_NAME = 500;

/** sha256 as hexadecimal digits; "" where the browser has no cryptography for pages without https. */
export async function sha256(blob) {
  if (!globalThis.crypto?.subtle) return "";
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class UploadRun {
  constructor({ dataset, memory, onChange = () => {}, network = { post, put } }) {
    Object.assign(this, { dataset, memory, onChange, network });
    this.api = `/api/v1/training/datasets/${dataset}`;
    this.entries = [];
    this.state = "idle"; // idle | running | pausing | paused | finished | stopped
    this.trouble = ""; // what is being waited for
    this.problem = ""; // why it stopped
    this.controller = null;
    this.place = 0; // nothing waits before it
    this.arrived = []; // batches that lie in the store and are not registered yet
  }

  /** Add entries; what an earlier, unfinished upload did with them is not done again. */
  async add(entries) {
    const marks = entries.map(mark);
    const known = await this.memory.known(marks);
    entries.forEach((entry, place) => {
      const before = known.get(marks[place]);
      if (before && entry.state === "waiting") Object.assign(entry, { state: before.state === "done" ? "there" : before.state, code: before.code, message: before.message || "Went in before the upload was interrupted." });
    });
    this.entries.push(...entries);
    if (this.state === "finished" || this.state === "idle") this.state = "idle";
    this.onChange();
  }

  totals() {
    return totals(this.entries);
  }

  /** Go on until everything is settled, a pause, or something that only a person can help with. */
  async start() {
    if (this.state === "running" || this.state === "pausing") return;
    this.controller = new AbortController();
    Object.assign(this, { state: "running", problem: "", trouble: "", place: 0 });
    this.onChange();
    let registering = this.registerAll();
    registering.catch(() => {}); // told below, when it is waited for
    try {
      for (let batch = this.next(); batch.length > 0; batch = this.next()) {
        await this.send(batch);
        await registering;
        registering = this.registerAll();
        registering.catch(() => {});
      }
      await registering;
      await this.finish();
    } catch (failure) {
      await registering.catch(() => {});
      this.interrupted(failure);
    }
    this.onChange();
  }

  next() {
    this.signal().throwIfAborted();
    while (this.place < this.entries.length && this.entries[this.place].state !== "waiting") this.place += 1;
    return nextBatch(this.entries, this.place);
  }

  /** Stop what is on its way; it is taken up again by `start`. */
  pause() {
    if (this.state !== "running") return;
    this.state = "pausing";
    this.controller.abort();
    this.onChange();
  }

  async finish() {
    this.state = "finished";
    this.trouble = "";
    await this.memory.forget();
  }

  interrupted(failure) {
    const kept = new Set(this.arrived.flatMap((batch) => batch.entries));
    for (const entry of this.entries) {
      const onItsWay = entry.state === "sending" || entry.state === "checking";
      if (onItsWay && !kept.has(entry)) Object.assign(entry, { state: "waiting", sent: entry.key ? entry.size : 0 });
    }
    this.trouble = "";
    if (this.controller.signal.aborted) this.state = "paused";
    else {
      this.state = "stopped";
      this.problem = failure instanceof Failure ? failure.message : `The upload stopped: ${failure.message}`;
      this.controller.abort(); // what else is on its way
    }
  }

  signal() {
    return this.controller.signal;
  }

  persistently(work) {
    const onTrouble = (message) => {
      if (this.trouble === message) return;
      this.trouble = message;
      this.onChange();
    };
    return persistently(work, { signal: this.signal(), onTrouble });
  }

  /** Places for images, or for the one video; a video that was paused has its place already. */
  async places(entries) {
    const [{ isVideo, size, slot }] = entries;
    if (slot) return [slot];
    const body = isVideo ? { count: 1, size } : { count: entries.length };
    const answer = await this.persistently(() => this.network.post(`${this.api}/uploads`, body, { signal: this.signal() }));
    return answer.slots;
  }

  /** Put every file of the batch; those that could be read are in `arrived` then. */
  async send(batch) {
    const missing = batch.filter((entry) => !entry.key);
    const slots = missing.length > 0 ? await this.places(missing) : [];
    await inParallel([...missing.entries()], PARALLEL, ([place, entry]) => this.sendOne(entry, slots[place]));
    const entries = batch.filter((entry) => entry.key);
    for (const entry of entries) entry.state = "checking";
    const idempotencyKey = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    if (entries.length > 0) this.arrived.push({ entries, keys: entries.map((entry) => entry.key), idempotencyKey });
  }

  async sendOne(entry, given) {
    let slot = given;
    entry.state = "sending";
    try {
      if (slot.parts.length > 0) await entry.file.slice(0, 1).arrayBuffer(); // too large to be held for its digest
      else entry.sha256 = await sha256(entry.file);
    } catch {
      Object.assign(entry, { state: "refused", code: "unreadable", message: "The browser cannot read this file any more. Choose it again." });
      this.onChange();
      return;
    }
    await this.persistently(async () => {
      try {
        await this.putInto(slot, entry);
      } catch (failure) {
        if (!failure.expired) throw failure;
        [slot] = await this.places([entry]); // the signed address got too old while we waited
        throw new Failure(failure.message, { again: true });
      }
    });
    Object.assign(entry, { state: "checking", sent: entry.size, key: slot.upload_key });
    delete entry.slot;
    this.onChange();
  }

  async putInto(slot, entry) {
    const signal = this.signal();
    const onSent = (bytes) => this.sent(entry, bytes);
    if (slot.parts.length === 0) return this.network.put(slot.url, entry.file, { signal, onSent });
    entry.slot = slot; // a pause keeps the parts that have arrived
    try {
      await putInParts(slot, entry.file, {
        put: (url, part, onPart) => this.persistently(() => this.network.put(url, part, { signal, onSent: onPart })),
        complete: (body) => this.persistently(() => this.network.post(`${this.api}/uploads/complete`, body, { signal })),
        onSent,
      });
    } catch (failure) {
      if (failure instanceof Failure && !failure.again) delete entry.slot; // too old, or gone: begin anew
      throw failure;
    }
  }

  sent(entry, bytes) {
    entry.sent = Math.min(bytes, entry.size);
    this.onChange();
  }

  /** Register what has arrived, oldest first. The same batch is asked for with the same key until it is answered. */
  async registerAll() {
    while (this.arrived.length > 0) {
      await this.register(this.arrived[0]);
      this.arrived.shift();
    }
  }

  async register({ entries, keys, idempotencyKey }) {
    const wanted = entries.map((entry, place) => ({
      upload_key: keys[place],
      ...(entry.sha256 ? { sha256: entry.sha256 } : {}),
      metadata: { file_name: entry.path.slice(-LONGEST_NAME) },
    }));
    // Without the signal: what the server does already is waited for, also by a pause.
    const ask = (kind, body) => this.persistently(() => this.network.post(`${this.api}/${kind}`, body, { key: idempotencyKey }));
    if (entries[0].isVideo) {
      const failure = await ask("videos", wanted[0]).then(() => null, (reason) => reason);
      if (!settleVideo(entries[0], failure)) throw failure;
    } else settle(entries, keys, await ask("samples", { samples: wanted, on_fault: "skip" }));
    for (const entry of entries) delete entry.key;
    await this.memory.remember(entries.map((entry) => [mark(entry), { state: entry.state, code: entry.code, message: entry.message }]));
    this.onChange();
  }
}
