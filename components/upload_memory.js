/* What of an unfinished upload is in already, kept in the browser (IndexedDB), so that after a reload the person chooses
 * the same folder again and only the rest is sent.
 *
 * A file is known again by its path, size and time of change, without reading it; one that was moved or renamed is sent
 * again, and the server recognises it. Everything about a dataset is forgotten when its upload is finished: what
 * somebody deletes from the dataset later can be added again. What nobody finishes is forgotten after a week. Where a
 * browser keeps nothing (private windows), nothing is remembered, and the server recognises what it has.
 */

const NAME = "trainyard-uploads";
const STORE = "settled";
const KEPT_MS = 7 * 24 * 3600 * 1000;

const asked = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

const finished = (transaction) =>
  new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });

async function open() {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return asked(request);
}

/** By what a file is known again without reading it. */
export const mark = (entry) => `${entry.path}\n${entry.size}\n${entry.file.lastModified}`;

/** The memory for one dataset: `known(marks)` → Map, `remember(pairs)`, `forget()`. It never fails, it forgets. */
export function memoryOf(dataset, now = Date.now) {
  const everything = () => IDBKeyRange.bound([dataset, ""], [dataset, "\uffff"]);
  const quietly = async (work, otherwise) => {
    let database;
    try {
      database = await open();
      return await work(database);
    } catch {
      return otherwise;
    } finally {
      database?.close();
    }
  };
  return {
    /** What is remembered of `marks` and digests: Map of mark → { state, code, message }. */
    known: (marks) =>
      quietly(async (database) => {
        const store = database.transaction(STORE).objectStore(STORE);
        const found = await Promise.all(marks.map((one) => asked(store.get([dataset, one]))));
        const fresh = found.map((value) => (value && now() - value.at < KEPT_MS ? value : undefined));
        return new Map(marks.map((one, place) => [one, fresh[place]]).filter(([, value]) => value));
      }, new Map()),
    /** Keep what became of files: [mark or digest, { state, code, message }]. */
    remember: (pairs) =>
      quietly(async (database) => {
        const transaction = database.transaction(STORE, "readwrite");
        for (const [key, value] of pairs) transaction.objectStore(STORE).put({ ...value, at: now() }, [dataset, key]);
        await finished(transaction);
      }),
    /** How much is remembered. */
    count: () => quietly((database) => asked(database.transaction(STORE).objectStore(STORE).count(everything())), 0),
    /** The upload is finished, or the person begins anew. */
    forget: () =>
      quietly(async (database) => {
        const transaction = database.transaction(STORE, "readwrite");
        transaction.objectStore(STORE).delete(everything());
        await finished(transaction);
      }),
  };
}
