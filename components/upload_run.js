/* One upload on its way: batches of files into the store, then registered. Knows no page; tells `onChange` that
 * something is different.
 *
 * Six files are put at the same time. While one batch is registered the next is put already. Each batch has one
 * Idempotency-Key for as long as it is tried, so a lost answer never makes anything twice. A pause stops what is on its
 * way into the store; what has arrived there is not sent again, and is registered when the upload goes on. Two tabs may
 * do the same: whatever the other one was faster with is there. Small files are put together, end to end, as one. A video
 * is a batch of its own; the server says whether it is put in parts.
 */

import { Failure, persistently, post, put } from "./upload_network.js";
import { mark } from "./upload_memory.js";
import { putInParts } from "./upload_parts.js";
import { inParallel, nextBatch, packsOf, settle, settleVideo, totals } from "./upload_plan.js";

const PARALLEL = 6;
const LONGEST_NAME = 500;

/** sha256 of bytes as hexadecimal digits; "" where the browser has no cryptography for pages without https. */
export async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) return "";
  const digest = await crypto.subtle.digest("SHA-256", bytes);
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
      if (onItsWay && !kept.has(entry)) Object.assign(entry, { state: "waiting", sent: entry.place ? entry.size : 0 });
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

  /** Places for packs of images, or for the one video; a video that was paused has its place already. */
  async places(packs) {
    const [[{ isVideo, size, slot }]] = packs;
    if (slot) return [slot];
    const body = isVideo ? { count: 1, size } : { count: packs.length };
    const answer = await this.persistently(() => this.network.post(`${this.api}/uploads`, body, { signal: this.signal() }));
    return answer.slots;
  }

  /** Put every file of the batch; those that could be read are in `arrived` then. */
  async send(batch) {
    const packs = packsOf(batch.filter((entry) => !entry.place));
    const slots = packs.length > 0 ? await this.places(packs) : [];
    await inParallel([...packs.entries()], PARALLEL, ([number, pack]) => this.sendPack(pack, slots[number]));
    const entries = batch.filter((entry) => entry.place);
    for (const entry of entries) entry.state = "checking";
    const idempotencyKey = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    if (entries.length > 0) this.arrived.push({ entries, places: entries.map((entry) => entry.place), idempotencyKey });
  }

  /** Put the files of a pack into one place: one as it is, several end to end. */
  async sendPack(pack, given) {
    let slot = given;
    const contents = new Map(); // of those that can be read
    for (const entry of pack) {
      entry.state = "sending";
      try {
        contents.set(entry, await this.contentOf(entry, slot, pack.length > 1));
      } catch {
        Object.assign(entry, { state: "refused", code: "unreadable", message: "The browser cannot read this file any more. Choose it again." });
        this.onChange();
      }
    }
    if (contents.size === 0) return;
    await this.persistently(async () => {
      try {
        await this.putInto(slot, contents);
      } catch (failure) {
        if (!failure.expired) throw failure;
        [slot] = await this.places([pack]); // the signed address got too old while we waited
        throw new Failure(failure.message, { again: true });
      }
    });
    let first = 0;
    for (const [entry, { size }] of contents) {
      const place = { upload_key: slot.upload_key, ...(pack.length > 1 ? { part: { first, size } } : {}) };
      Object.assign(entry, { state: "checking", sent: entry.size, place });
      delete entry.slot;
      first += size;
    }
    this.onChange();
  }

  /** What is put for a file: among others the very bytes that were counted, else the file, which may be large. */
  async contentOf(entry, slot, among) {
    if (slot.parts.length > 0) {
      await entry.file.slice(0, 1).arrayBuffer();
      return entry.file;
    }
    const bytes = await entry.file.arrayBuffer();
    entry.sha256 = await sha256(bytes);
    return among ? new Blob([bytes]) : entry.file;
  }

  async putInto(slot, contents) {
    const signal = this.signal();
    const [entry] = contents.keys();
    const onSent = (bytes) => this.sent(contents, bytes);
    if (slot.parts.length === 0) return this.network.put(slot.url, new Blob([...contents.values()]), { signal, onSent });
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

  sent(contents, bytes) {
    let left = bytes;
    for (const [entry, { size }] of contents) {
      entry.sent = Math.max(0, Math.min(left, entry.size));
      left -= size;
    }
    this.onChange();
  }

  /** Register what has arrived, oldest first. The same batch is asked for with the same key until it is answered. */
  async registerAll() {
    while (this.arrived.length > 0) {
      await this.register(this.arrived[0]);
      this.arrived.shift();
    }
  }

  async register({ entries, places, idempotencyKey }) {
    const wanted = entries.map((entry, number) => ({
      ...places[number],
      ...(entry.sha256 ? { sha256: entry.sha256 } : {}),
      metadata: { file_name: entry.path.slice(-LONGEST_NAME) },
    }));
    // Without the signal: what the server does already is waited for, also by a pause.
    const ask = (kind, body) => this.persistently(() => this.network.post(`${this.api}/${kind}`, body, { key: idempotencyKey }));
    if (entries[0].isVideo) {
      const failure = await ask("videos", wanted[0]).then(() => null, (reason) => reason);
      if (!settleVideo(entries[0], failure)) throw failure;
    } else settle(entries, places, await ask("samples", { samples: wanted, on_fault: "skip" }));
    for (const entry of entries) delete entry.place;
    await this.memory.remember(entries.map((entry) => [mark(entry), { state: entry.state, code: entry.code, message: entry.message }]));
    this.onChange();
  }
}
