/* From what a person chooses or drops to files with their paths: single files, folders, and folders in folders. */

/** Files of an <input type="file">, with the path inside the folder that was chosen. */
export const chosen = (input) => Array.from(input.files, (file) => ({ path: file.webkitRelativePath || file.name, file }));

const entriesIn = async (folder) => {
  const reader = folder.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found; // browsers hand over a hundred at a time
    found.push(...some);
  }
};

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ path: entry.fullPath.replace(/^\//, ""), file });
  } else for (const inner of await entriesIn(entry)) await walk(inner, found);
}

/** Files that were dropped, those of folders too. To be called while the drop is handled: afterwards they are gone. */
export async function dropped(transfer) {
  const entries = Array.from(transfer.items ?? [], (item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const files = Array.from(transfer.files, (file) => ({ path: file.name, file }));
  if (entries.length === 0) return files;
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}
