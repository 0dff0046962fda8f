/* What is uploaded, in which portions, and what became of it. Pure: no network, no browser but `File`.
 *
 * An entry is one file: { path, file, size, state, sent, code, message }. Its state goes
 * waiting → sending → checking → done | there | refused; a pause or a lost connection puts it back to waiting.
 */

export const BATCH_FILES = 200;
export const BATCH_BYTES = 128 * 2 ** 20;
export const LARGEST_BYTES = 50 * 2 ** 20;
export const STATES = ["waiting", "sending", "checking", "done", "there", "refused"];

const LITTER = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini|__MACOSX(\/.*)?)$/i;
const NO_IMAGE = /\.(txt|md|json|jsonl|xml|csv|ya?ml|html?|pdf|docx?|xlsx?|zip|tar|gz|7z|rar|py|names|data|pt|onnx)$/i;
const VIDEO = /\.(mp4|mov|m4v|avi|mkv|webm|mpe?g)$/i;

const readable = (bytes) => `${Math.round(bytes / 2 ** 20)} MB`;

/** Why a file is not even sent; null if it is. */
export function refusedHere({ path, size }) {
  if (size === 0) return { code: "empty", message: "The file is empty (0 bytes)." };
  if (VIDEO.test(path)) return { code: "not-an-image", message: "A video. Only images are added here." };
  if (NO_IMAGE.test(path)) return { code: "not-an-image", message: "Not an image by its name. Only images are added here." };
  if (size > LARGEST_BYTES) return { code: "too-large", message: `${readable(size)} are more than the ${readable(LARGEST_BYTES)} allowed.` };
  return null;
}

/** Entries for `files` ({ path, file }); what a system leaves lying around, such as .DS_Store, is not even named. */
export function entriesOf(files) {
  return files
    .filter(({ path }) => !LITTER.test(path))
    .sort((one, other) => (one.path < other.path ? -1 : 1))
    .map(({ path, file }) => {
      const entry = { path, file, size: file.size, state: "waiting", sent: 0, code: "", message: "" };
      const refused = refusedHere(entry);
      return refused ? { ...entry, state: "refused", ...refused } : entry;
    });
}

/** The next portion: the first entries that wait, at most so many files and bytes (one, if it alone is larger). */
export function nextBatch(entries, from = 0) {
  const batch = [];
  let bytes = 0;
  for (let place = from; place < entries.length; place += 1) {
    const entry = entries[place];
    if (entry.state !== "waiting") continue;
    if (batch.length === BATCH_FILES || (batch.length > 0 && bytes + entry.size > BATCH_BYTES)) break;
    batch.push(entry);
    bytes += entry.size;
  }
  return batch;
}

/** How many entries are in each state, and how much of what is to be sent was sent. */
export function totals(entries) {
  const counts = Object.fromEntries(STATES.map((state) => [state, 0]));
  let bytes = 0;
  let sent = 0;
  for (const entry of entries) {
    counts[entry.state] += 1;
    if (entry.state === "refused" && entry.sent === 0) continue; // never to be sent
    bytes += entry.size;
    sent += ["waiting", "sending"].includes(entry.state) ? entry.sent : entry.size;
  }
  return { ...counts, all: entries.length, bytes, sent, settled: counts.done + counts.there + counts.refused };
}

/** What the server answered about a batch, into its entries. `keys` are their upload keys, in order. */
export function settle(batch, keys, answer) {
  const skipped = new Map(answer.skipped.map((one) => [one.upload_key, one]));
  batch.forEach((entry, place) => {
    const why = skipped.get(keys[place]);
    if (!why) entry.state = "done";
    else if (why.code === "duplicate") Object.assign(entry, { state: "there", code: why.code, message: "The same content is in the dataset already." });
    else Object.assign(entry, { state: "refused", code: why.code, message: why.message.charAt(0).toUpperCase() + why.message.slice(1) });
  });
}
