/* Putting a large file into the store in parts: each is put until it arrives, and what has arrived is not put again.
 *
 * `slot` is the API's answer to a place for a file of so many bytes; `slot.etags` (number → ETag) is kept in it, so that
 * after a pause the same slot goes on where it was. Parts can be put for a day.
 */

import { inParallel } from "./upload_plan.js";

const PARALLEL = 3;

/** How many bytes of the file have arrived. */
const arrived = ({ parts, etags }) => parts.filter((part) => etags.has(part.number)).reduce((sum, part) => sum + part.size, 0);

/** Put what is missing of `file`, then make the parts one. `put` and `complete` are tried by the caller's rules. */
export async function putInParts(slot, file, { put, complete, onSent }) {
  slot.etags ??= new Map();
  const onItsWay = new Map();
  const told = () => onSent([...onItsWay.values()].reduce((sum, bytes) => sum + bytes, arrived(slot)));
  told();
  const missing = slot.parts.filter((part) => !slot.etags.has(part.number));
  await inParallel(missing, PARALLEL, async ({ number, first, size, url }) => {
    const onPart = (bytes) => (onItsWay.set(number, bytes), told());
    slot.etags.set(number, await put(url, file.slice(first, first + size), onPart));
    onItsWay.delete(number);
    told();
  });
  const parts = slot.parts.map(({ number }) => ({ number, etag: slot.etags.get(number) }));
  await complete({ upload_key: slot.upload_key, multipart_id: slot.multipart_id, parts });
}
