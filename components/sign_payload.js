/* Reads the bytes a person is about to sign, so that what is shown is exactly what is signed.
 *
 * The proposal is the canonical JSON (OLPC) of a TUF targets list. Rules: bytes that are not their own canonical form
 * are refused (two readers could see two things); every version in the list is known to the caller, not only the one
 * the page speaks of; what this browser signed or confirmed before is remembered, so that only the unknown is asked.
 */

export class Refusal extends Error {}

export function bytesOf(base64) {
  const standard = base64.replaceAll("-", "+").replaceAll("_", "/").replace(/\s/g, "");
  return Uint8Array.from(atob(standard), (letter) => letter.charCodeAt(0));
}

export const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

const codePoints = (a, b) => {
  const left = Array.from(a, (letter) => letter.codePointAt(0));
  const right = Array.from(b, (letter) => letter.codePointAt(0));
  for (let index = 0; index < Math.min(left.length, right.length); index += 1) {
    if (left[index] !== right[index]) return left[index] - right[index];
  }
  return left.length - right.length;
};

/** Canonical JSON as securesystemslib writes it: sorted members, no spaces, only \" and \\ escaped, whole numbers. */
export function canonical(value) {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new Refusal("The proposed list holds a number that is not whole.");
    return String(value);
  }
  if (typeof value === "string") return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const members = Object.keys(value).sort(codePoints).map((name) => `${canonical(name)}:${canonical(value[name])}`);
  return `{${members.join(",")}}`;
}

const sameBytes = (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index]);

function parse(bytes) {
  const damaged = "The server proposed bytes that are not a list of approved versions. Do not sign; reload the page.";
  let signed;
  try {
    signed = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new Refusal(damaged);
  }
  if (signed?._type !== "targets" || typeof signed.targets !== "object") throw new Refusal(damaged);
  if (signed.delegations) throw new Refusal("The proposed list hands approval on to other keys. Do not sign.");
  if (!sameBytes(new TextEncoder().encode(canonical(signed)), bytes)) {
    throw new Refusal("The proposed list is not in canonical form: what it shows may differ from what is signed. Do not sign.");
  }
  return signed;
}

const entryOf = ([path, target]) => ({
  path, sha256: target?.hashes?.sha256 ?? "", length: target?.length ?? 0, custom: target?.custom ?? {},
  print: canonical(target ?? null),
});

/** What the proposal says: version, expiry, the entry of `target`, and every other entry. Throws a Refusal. */
export function readPayload(payloadBase64, target) {
  let bytes;
  try {
    bytes = bytesOf(payloadBase64);
  } catch {
    throw new Refusal("The server sent a proposal that is not base64. Reload the page.");
  }
  const signed = parse(bytes);
  const entries = Object.entries(signed.targets).map(entryOf);
  const entry = target ? entries.find(({ path }) => path === target) : undefined;
  if (target && !/^[0-9a-f]{64}$/.test(entry?.sha256 ?? "")) {
    throw new Refusal(`The proposed list does not contain ${target}. Do not sign; ask whoever runs the server.`);
  }
  return { bytes, version: signed.version, expires: signed.expires, entry, others: entries.filter((one) => one !== entry) };
}

const MEMORY = "trainyard.signed-list";

/** What this browser signed or confirmed last: {version, entries: {path: canonical target}}. */
export function remembered(storage) {
  try {
    const memory = JSON.parse(storage.getItem(MEMORY) ?? "null");
    if (Number.isSafeInteger(memory?.version) && memory.entries && typeof memory.entries === "object") return memory;
  } catch {
    // damaged: everything is asked again
  }
  return { version: 0, entries: {} };
}

export function remember(storage, proposal) {
  const all = [...proposal.others, ...(proposal.entry ? [proposal.entry] : [])];
  const entries = Object.fromEntries(all.map(({ path, print }) => [path, print]));
  try {
    storage.setItem(MEMORY, JSON.stringify({ version: proposal.version, entries }));
  } catch {
    // a full or forbidden storage only means that the person is asked again next time
  }
}

/** What a person must look at besides the target: entries unknown here, changed since, or gone since; a list gone back.
 * `any` says whether there is something to confirm. Equal versions are fine: the first try may not have arrived. */
export function differences(proposal, memory) {
  const now = Object.fromEntries(proposal.others.map((one) => [one.path, one]));
  const target = proposal.entry?.path;
  const found = {
    unknown: proposal.others.filter(({ path }) => !(path in memory.entries)),
    changed: [...proposal.others, ...(proposal.entry ? [proposal.entry] : [])]
      .filter(({ path, print }) => path in memory.entries && memory.entries[path] !== print),
    gone: Object.keys(memory.entries).filter((path) => !(path in now) && path !== target),
    older: proposal.version < memory.version ? memory.version : 0,
  };
  return { ...found, any: found.unknown.length + found.changed.length + found.gone.length + found.older > 0 };
}
