// What binds the three parties to the same request: a commitment to each component, and the point at which they draw the zero
// shares that mask their answers, which hashes all of it.

import { blake3 } from "@noble/hashes/blake3.js";
import { type Bytes, concat, u32, utf8 } from "./bytes.ts";
import type { Protect } from "./protect.ts";

/** The public part of one chunk of a request: what every party is told alike. */
export interface Statement {
  bundle: Bytes;
  protect: Protect;
  rows: number;
  chunk: number;
  commitments: readonly [Bytes, Bytes, Bytes];
}

export const digest = (bytes: Bytes): Bytes => blake3(bytes) as Bytes;

export const ofSeed = (seed: Bytes): Bytes => derived("privet 2026 replicated3 commitment to a seed", seed);

export const ofBytes = (salt: Bytes, bytes: Bytes): Bytes =>
  derived("privet 2026 replicated3 commitment to a share", salt, bytes);

export function pointOf({ bundle, protect, rows, chunk, commitments }: Statement): Bytes {
  const context = "privet 2026 replicated3 point of the zero share";
  return derived(context, concat(bundle, utf8(protect), Uint8Array.of(0), u32(rows), u32(chunk), ...commitments));
}

export function derived(context: string, ...parts: Bytes[]): Bytes {
  const hasher = blake3.create({ context: utf8(context) });
  for (const part of parts) hasher.update(part);
  return hasher.digest() as Bytes;
}
