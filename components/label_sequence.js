/* The samples in their order, of which the ones around the open one are here already: its JSON read, its image decoded.
 *
 * Rules: at most `MOST` samples are kept, those that were used last; an image that cannot be shown says so and does not
 * stop the way; what is shown from here may be old, so whoever edits it saves with its ETag.
 */

const AHEAD = 3;
const MOST = 14;

/** A sequence. `query` are the filters of the gallery; `decode(url)` promises something to show. */
export function sequence({ api, query = {}, decode, now = () => performance.now() }) {
  const known = new Map(); // id → {sample, picture: Promise}
  const links = new Map(); // id → {before: [ids], after: [ids]}, nearest first

  function remember(sample) {
    const before = known.get(sample.id);
    const entry = before?.sample.file_url === sample.file_url
      ? { ...before, sample, at: now() }
      : { sample, at: now(), picture: sample.file_type === "image" ? decode(sample.url) : Promise.resolve(null) };
    entry.picture.catch(() => {}); // told where it is shown
    known.delete(sample.id);
    known.set(sample.id, entry);
    for (const id of known.keys()) {
      if (known.size <= MOST) break;
      known.delete(id);
      links.delete(id);
    }
    return entry;
  }

  async function look(id) {
    const found = await api.neighbours(id, query, AHEAD);
    const [before, after] = [found.before, found.after].map((side) => side.map((sample) => sample.id));
    // The nearest are remembered last, so that they are the last to be forgotten.
    for (const sample of [...found.before.slice(0, 1), ...found.after].reverse()) if (!known.has(sample.id)) remember(sample);
    links.set(id, { before, after });
    return links.get(id);
  }

  return {
    remember,
    look,
    /** What is here of a sample, or null. */
    has: (id) => known.get(id) ?? null,
    /** A sample, from here or from the server. */
    async get(id, { fresh = false } = {}) {
      const here = fresh ? null : known.get(id);
      if (!here) return remember(await api.sample(id));
      known.delete(id); // and to the end: it was used last
      known.set(id, here);
      return here;
    },
    /** The id beside the one called `id`, or null at the end; asks the server where it is not known. */
    async beside(id, direction) {
      const side = direction > 0 ? "after" : "before";
      const linked = links.get(id) ?? (await look(id));
      return linked[side][0] ?? null;
    },
    /** Whether there is one beside; undefined while nobody knows. */
    hasBeside: (id, direction) => links.get(id)?.[direction > 0 ? "after" : "before"].length > 0 || (links.has(id) ? false : undefined),
    /** After a change of the order: what was beside what is asked again. */
    unlink: () => links.clear(),
    get size() {
      return known.size;
    },
  };
}

/** An image that is ready to be painted, or a rejected promise. */
export async function decoded(url) {
  const image = new Image();
  image.decoding = "async";
  image.draggable = false;
  image.alt = "";
  image.src = url;
  await image.decode();
  return image;
}
