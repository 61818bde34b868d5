// Digests, and signatures by Ed25519.

import { type Bytes, concat } from "../bytes.ts";
import { ours } from "../errors.ts";

export async function sha256(...parts: Bytes[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", concat(...parts)));
}

export async function sha512(...parts: Bytes[]): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-512", concat(...parts)));
}

/** Whether this key's holder signed this message. */
export async function verifies(key: Bytes, message: Bytes, signature: Bytes): Promise<boolean> {
  const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]).catch(unsupported);
  return imported !== null && (await crypto.subtle.verify("Ed25519", imported, signature, message));
}

/** A key that is no point is nobody's; a browser without the algorithm is another matter. */
export function unsupported(error: unknown): null {
  if (error instanceof DOMException && error.name === "NotSupportedError") {
    throw ours("E903", "This browser lacks X25519 or Ed25519, so that no enclave can be asked. Nothing was sent.");
  }
  return null;
}
