/* Opens a person's key file and signs with it, all in the browser.
 *
 * A key file is a JWE in compact form (PBES2-HS512+A256KW, A256GCM) holding the private OKP/Ed25519 JWK; its keyid is
 * the TUF hash of the public key. Rules: nothing weaker or costlier than the key maker writes is opened; a file whose
 * name and content are two keys is refused; a signature leaves only after it verified.
 */

import { Refusal, hexOf } from "./sign_payload.js";

const LARGEST_FILE = 8192;
const ROUNDS = [210_000, 300_000];
const COMPACT_JWE = /^[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+\.[\w-]+$/;

export function environmentProblem(scope = globalThis) {
  if (!scope.isSecureContext) {
    return "Signing needs a secure page. Open Trainyard over https, or on the machine itself as http://localhost.";
  }
  return scope.crypto?.subtle ? "" : "This browser has no WebCrypto. Use a current Chromium, Firefox or Safari.";
}

async function requireEd25519() {
  try {
    await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  } catch {
    throw new Refusal(
      "This browser cannot sign with Ed25519. Use Chromium 137, Firefox 129, Safari 17 or later, or `trainyard keys` in a terminal.",
    );
  }
}

export async function readKeyFile(file) {
  const not = `${file.name} is not a Trainyard key file. Key files are made with "trainyard keys create".`;
  if (file.size > LARGEST_FILE) throw new Refusal(not);
  const text = (await file.text()).trim();
  if (text.startsWith("{")) throw new Refusal(`${file.name} holds a public key. Choose the key file itself.`);
  if (!COMPACT_JWE.test(text)) throw new Refusal(not);
  return text;
}

function checkHeader(jose, text, name) {
  let header;
  try {
    header = jose.decodeProtectedHeader(text);
  } catch {
    throw new Refusal(`${name} is not a Trainyard key file, or it is damaged.`);
  }
  if (header.alg !== "PBES2-HS512+A256KW" || header.enc !== "A256GCM") {
    throw new Refusal(`${name} is not protected as a Trainyard key file is.`);
  }
  if (!Number.isInteger(header.p2c) || header.p2c < ROUNDS[0] || header.p2c > ROUNDS[1]) {
    throw new Refusal(`${name} asks for ${header.p2c} rounds; ${ROUNDS[0]} to ${ROUNDS[1]} are accepted.`);
  }
  return header;
}

/** The TUF keyid: sha256 of the canonical form of the public key. */
async function keyidOf(publicBytes) {
  const text = `{"keytype":"ed25519","keyval":{"public":"${hexOf(publicBytes)}"},"scheme":"ed25519"}`;
  return hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

async function decrypted(jose, text, passphrase, name) {
  const secret = new TextEncoder().encode(passphrase.normalize("NFC"));
  let plaintext;
  try {
    ({ plaintext } = await jose.compactDecrypt(text, secret, {
      keyManagementAlgorithms: ["PBES2-HS512+A256KW"], contentEncryptionAlgorithms: ["A256GCM"], maxPBES2Count: ROUNDS[1],
    }));
  } catch (error) {
    if (error?.code === "ERR_JWE_DECRYPTION_FAILED") throw new Refusal("The key file could not be opened: the passphrase is wrong, or the file was changed.");
    throw new Refusal(`${name} could not be opened: it is damaged or was changed.`);
  }
  try {
    return JSON.parse(new TextDecoder().decode(plaintext));
  } catch {
    throw new Refusal(`${name} holds no key.`);
  } finally {
    plaintext.fill(0);
    secret.fill(0);
  }
}

async function openKey(jose, text, passphrase, name) {
  const header = checkHeader(jose, text, name);
  const jwk = await decrypted(jose, text, passphrase, name);
  if (jwk.kty !== "OKP" || jwk.crv !== "Ed25519" || !jwk.d || !jwk.x) {
    throw new Refusal(`${name} does not hold an Ed25519 private key.`);
  }
  const keyid = await keyidOf(jose.base64url.decode(jwk.x));
  if (jwk.kid !== keyid || header.kid !== keyid) {
    throw new Refusal(`${name} names one key and contains another. Do not use it; make a new one.`);
  }
  try {
    const half = { kty: "OKP", crv: "Ed25519", x: jwk.x };
    const verifying = await crypto.subtle.importKey("jwk", half, "Ed25519", false, ["verify"]);
    const signing = await crypto.subtle.importKey("jwk", { ...half, d: jwk.d }, "Ed25519", false, ["sign"]);
    return { keyid, signing, verifying };
  } catch {
    throw new Refusal(`The key in ${name} is damaged.`);
  }
}

/** {keyid, signature} over exactly `bytes`; the signature is lower-case hexadecimal. Throws a Refusal. */
export async function signWithFile(jose, { text, name, passphrase, bytes }) {
  await requireEd25519();
  const { keyid, signing, verifying } = await openKey(jose, text, passphrase, name);
  const signature = await crypto.subtle.sign("Ed25519", signing, bytes);
  if (!(await crypto.subtle.verify("Ed25519", verifying, signature, bytes))) {
    throw new Refusal(`${name} holds a public key that does not belong to its private key.`);
  }
  return { keyid, signature: hexOf(new Uint8Array(signature)) };
}
