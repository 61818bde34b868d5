// What is drawn: secrets and errors from fresh seeds, public polynomials from seeds that anyone may know.

import { blake3 } from "@noble/hashes/blake3.js";
import { type Bytes, u32, utf8, wipe } from "../bytes.ts";
import type { Elements } from "../fixed.ts";
import type { Entropy } from "../request.ts";
import { expand } from "../stream.ts";

const WORD = 2 ** 32;
/** Coins of each sign of an error, as a mask. */
const HALF = 2 ** 21 - 1;
/** Words of BLAKE3's output at a time. */
const BLOCK = 512;

/** So many elements of the stream of a fresh seed. */
export async function drawn(entropy: Entropy, elements: number): Promise<Elements> {
  const seed = entropy(16);
  try {
    return await expand(seed, 0, elements);
  } finally {
    wipe(seed);
  }
}

/** Coefficients that are each -1, 0 or 1 with a third (to 2^-62): the upper word of three times an element, less 1. */
export function ternary(elements: Elements): Int8Array<ArrayBuffer> {
  const third = (at: number) =>
    Math.floor((3 * elements[2 * at + 1]! + Math.floor((3 * elements[2 * at]!) / WORD)) / WORD) - 1;
  return Int8Array.from({ length: elements.length / 2 }, (_, at) => third(at));
}

/** Errors: the centred binomial distribution of 42 coins, between -21 and 21. */
export function errors(elements: Elements): Int8Array<ArrayBuffer> {
  const error = (low: number, high: number) => ones(low & HALF) - ones(((low >>> 21) | (high << 11)) & HALF);
  return Int8Array.from({ length: elements.length / 2 }, (_, at) => error(elements[2 * at]!, elements[2 * at + 1]!));
}

/** How many bits of it are one. */
function ones(x: number): number {
  const pairs = x - ((x >>> 1) & 0x5555_5555);
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** Where public polynomials come from: 32 bytes that the client draws once, and the bundle. */
export interface PublicSeed {
  seed: Bytes;
  bundle: Bytes;
}

/**
 * Public polynomial number `index` modulo prime number `prime`, in values: the 64-bit little-endian words of BLAKE3's output, of which
 * the low bits count, as many as the prime has; words that are no residue are left out.
 */
export function publicResidues(from: PublicSeed, index: number, prime: number, q: bigint, count: number): Elements {
  const hasher = blake3.create({ context: utf8("privet 2026 public polynomial of an encryption") });
  hasher.update(from.seed).update(from.bundle).update(u32(index)).update(Uint8Array.of(prime));
  const [q0, q1] = [Number(q % 2n ** 32n), Number(q >> 32n)];
  // A prime of up to 32 bits has an upper word of 0, and then no bit of it counts.
  const bits = q.toString(2).length;
  const [low, high] = [bits >= 32 ? WORD - 1 : 2 ** bits - 1, bits > 32 ? 2 ** (bits - 32) - 1 : 0];
  const out = new Uint32Array(2 * count);
  const block = new Uint32Array(2 * BLOCK);
  for (let filled = 0; filled < count; ) {
    hasher.xofInto(new Uint8Array(block.buffer));
    for (let i = 0; i < BLOCK && filled < count; i++) {
      const a = (block[2 * i]! & low) >>> 0;
      const b = block[2 * i + 1]! & high;
      if (b > q1 || (b === q1 && a >= q0)) continue;
      out[2 * filled] = a;
      out[2 * filled + 1] = b;
      filled++;
    }
  }
  return out;
}
