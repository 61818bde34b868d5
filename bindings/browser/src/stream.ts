// Seeds and their expansion: AES-128 in counter mode. A seed is the key; the counter block is eight zero bytes and the 64-bit
// big-endian block number; chunk `c` starts at block `c·2^32`; element `e` is the little-endian word at byte `8e`.

import type { Bytes } from "./bytes.ts";
import type { Elements } from "./fixed.ts";

/** The first elements of a chunk's part of a seed's stream. */
export async function expand(seed: Bytes, chunk: number, elements: number): Promise<Elements> {
  const key = await crypto.subtle.importKey("raw", seed, "AES-CTR", false, ["encrypt"]);
  const counter = new Uint8Array(16);
  new DataView(counter.buffer).setUint32(8, chunk);
  const zeros = new Uint8Array(8 * elements);
  return new Uint32Array(await crypto.subtle.encrypt({ name: "AES-CTR", counter, length: 64 }, key, zeros));
}
