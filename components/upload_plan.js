/* What is uploaded, in which portions, and what became of it. Pure: no network, no browser but `File`.
 *
 * An entry is one file: { path, file, size, isVideo, state, sent, code, message }. Its state goes
 * waiting → sending → checking → done | there | refused; a pause or a lost connection puts it back to waiting.
 */

export const BATCH_FILES = 200;
export const BATCH_BYTES = 128 * 2 ** 20;
export const PACKED_BYTES = 64 * 2 ** 10;
export const PACK_BYTES = 4 * 2 ** 20;
export const LARGEST_BYTES = 50 * 2 ** 20;
export const LARGEST_VIDEO_BYTES = 2 * 2 ** 30;
export const STATES = ["waiting", "sending", "checking", "done", "there", "refused"];

const LITTER = /(^|\/)(\.[^/]*|Thumbs\.db|desktop\.ini|__MACOSX(\/.*)?)$/i;
const NO_IMAGE = /\.(txt|md|json|jsonl|xml|csv|ya?ml|html?|pdf|docx?|xlsx?|zip|tar|gz|7z|rar|py|names|data|pt|onnx)$/i;
const VIDEO = /\.(mp4|mov|m4v|avi|mkv|webm)$/i;
const OTHER_VIDEO = /\.(mpe?g|wmv|flv|3gp|m2?ts|ogv)$/i;

const readable = (bytes) => `${Math.round(bytes / 2 ** 20)} MB`;

/** Whether a file is registered as a video: by its name, or by what the system says that it is. */
export const isVideo = ({ path, file }) => VIDEO.test(path) || (file.type ?? "").startsWith("video/");

/** Why a file is not even sent; null if it is. */
export function refusedHere(entry) {
  const { path, size } = entry;
  if (size === 0) return { code: "empty", message: "The file is empty (0 bytes)." };
  if (OTHER_VIDEO.test(path)) return { code: "not-an-image", message: "A kind of video that is not read here. Make it an MP4." };
  if (NO_IMAGE.test(path)) return { code: "not-an-image", message: "Neither an image nor a video by its name." };
  const most = entry.isVideo ? LARGEST_VIDEO_BYTES : LARGEST_BYTES;
  if (size > most) return { code: "too-large", message: `${readable(size)} are more than the ${readable(most)} allowed.` };
  return null;
}

/** Entries for `files` ({ path, file }); what a system leaves lying around, such as .DS_Store, is not even named. */
export function entriesOf(files) {
  return files
    .filter(({ path }) => !LITTER.test(path))
    .sort((one, other) => (one.path < other.path ? -1 : 1))
    .map(({ path, file }) => {
      const entry = { path, file, size: file.size, isVideo: isVideo({ path, file }), state: "waiting", sent: 0, code: "", message: "" };
      const refused = refusedHere(entry);
      return refused ? { ...entry, state: "refused", ...refused } : entry;
    });
}

/** The next portion: the first entries that wait, at most so many files and bytes; a video, or a larger file, alone. */
export function nextBatch(entries, from = 0) {
  const batch = [];
  let bytes = 0;
  for (let place = from; place < entries.length; place += 1) {
    const entry = entries[place];
    if (entry.state !== "waiting") continue;
    if (batch.length === BATCH_FILES || (batch.length > 0 && (entry.isVideo || bytes + entry.size > BATCH_BYTES))) break;
    batch.push(entry);
    if (entry.isVideo) break;
    bytes += entry.size;
  }
  return batch;
}

/** What is put together: small files, for which the way there and back takes longer than their bytes, in packs; others alone. */
export function packsOf(entries) {
  const packs = [];
  let pack = null;
  let bytes = 0;
  for (const entry of entries) {
    if (entry.isVideo || entry.size > PACKED_BYTES) packs.push([entry]);
    else if (pack && bytes + entry.size <= PACK_BYTES) {
      pack.push(entry);
      bytes += entry.size;
    } else {
      packs.push((pack = [entry]));
      bytes = entry.size;
    }
  }
  return packs;
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

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** What the server answered about a batch of images, into its entries. `places`: where each lies, in order. */
export function settle(batch, places, answer) {
  const name = (key, first) => `${key} ${first ?? ""}`;
  const skipped = new Map(answer.skipped.map((one) => [name(one.upload_key, one.first), one]));
  batch.forEach((entry, number) => {
    const why = skipped.get(name(places[number].upload_key, places[number].part?.first));
    if (!why) entry.state = "done";
    else if (why.code === "duplicate") Object.assign(entry, { state: "there", code: why.code, message: "The same content is in the dataset already." });
    else Object.assign(entry, { state: "refused", code: why.code, message: sentence(why.message) });
  });
}

/** What the server answered about a video: `failure` if it was not registered. False if that is not about the file. */
export function settleVideo(entry, failure) {
  if (!failure) entry.state = "done";
  else if (failure.status === 409 && failure.problem.sha256) Object.assign(entry, { state: "there", code: "duplicate", message: "The same content is in the dataset already." });
  else if (failure.status === 422 || failure.status === 413) Object.assign(entry, { state: "refused", code: "not-a-video", message: sentence(failure.message.replace(`${entry.place.upload_key}: `, "")) });
  else return false;
  return true;
}

/** Do `work` for every item, `most` at the same time. */
export async function inParallel(items, most, work) {
  const queue = items.values();
  const one = async () => {
    for (const item of queue) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, one));
}
