/* Drafts: what was drawn and not saved yet outlives a closed tab and a crash. They lie in this browser only.
 *
 * Rules: one draft per person, dataset and sample, with the ETag of the state that it was made from; it goes when the
 * value is saved or given up; old ones and too many go too. A storage that is full or barred loses drafts, not labels.
 */

const PREFIX = "ty-draft:";
const MOST = 200;
const KEEP_MS = 30 * 24 * 3600 * 1000;

/** The drafts of a person in a dataset, in `storage` (a Storage). */
export function draftsOf(storage, person, dataset) {
  const key = (sample) => `${PREFIX}${person}:${dataset}:${sample}`;
  return {
    /** Keep `value`, made from the state called `etag`. False if this browser does not let us. */
    keep(sample, value, etag, now = Date.now()) {
      try {
        storage.setItem(key(sample), JSON.stringify({ value, etag, at: now }));
        return true;
      } catch {
        sweep(storage, now, MOST / 2);
        return false;
      }
    },
    /** The draft of a sample, `{value, etag, at}`, or null. */
    of(sample) {
      try {
        const draft = JSON.parse(storage.getItem(key(sample)) ?? "null");
        return draft?.value && draft.etag ? draft : null;
      } catch {
        return null;
      }
    },
    forget(sample) {
      try {
        storage.removeItem(key(sample));
      } catch {
        // a barred storage holds nothing
      }
    },
  };
}

/** Remove drafts that are too old, and the oldest of too many. */
export function sweep(storage, now = Date.now(), most = MOST) {
  const kept = [];
  for (const name of keysOf(storage)) {
    let at = 0;
    try {
      at = JSON.parse(storage.getItem(name)).at || 0;
    } catch {
      // not readable: gone with the oldest
    }
    kept.push([at, name]);
  }
  kept.sort((one, other) => other[0] - one[0]);
  kept.forEach(([at, name], place) => (place >= most || now - at > KEEP_MS) && storage.removeItem(name));
}

function keysOf(storage) {
  return Array.from({ length: storage.length }, (_, at) => storage.key(at)).filter((name) => name?.startsWith(PREFIX));
}
