// k bits per element on the wire, 1 ≤ k ≤ 64: bit `b` of element `e` is bit `e·k + b` of the message, counting each byte from its
// least bit; the last byte is padded with zero bits.

import type { Bytes } from "./bytes.ts";
import type { Elements } from "./fixed.ts";

/** Bytes that so many elements of `k` bits take. */
export const packedLength = (elements: number, k: number): number => Math.ceil((elements * k) / 8);

export function pack(k: number, elements: Elements): Bytes {
  const count = elements.length / 2;
  const [low, high] = masks(k);
  const words = new Uint32Array(Math.ceil((count * k) / 32) + 2);
  for (let e = 0; e < count; e++) {
    const [at, shift] = place(e * k);
    const a = elements[2 * e]! & low;
    const b = elements[2 * e + 1]! & high;
    words[at]! |= a << shift;
    words[at + 1]! |= (b << shift) | above(a, shift);
    words[at + 2]! |= above(b, shift);
  }
  return new Uint8Array(words.buffer).subarray(0, packedLength(count, k));
}

export function unpack(k: number, bytes: Bytes, count: number): Elements {
  const [low, high] = masks(k);
  const words = new Uint32Array(Math.ceil(bytes.length / 4) + 3);
  new Uint8Array(words.buffer).set(bytes);
  const out = new Uint32Array(2 * count);
  for (let e = 0; e < count; e++) {
    const [at, shift] = place(e * k);
    const [a, b, c] = [words[at]!, words[at + 1]!, words[at + 2]!];
    out[2 * e] = ((a >>> shift) | below(b, shift)) & low;
    out[2 * e + 1] = ((b >>> shift) | below(c, shift)) & high;
  }
  return out;
}

/** The word in which a bit is, and where in it. */
const place = (bit: number): [number, number] => [Math.floor(bit / 32), bit % 32];
/** What of a word goes beyond it when it is shifted up: a shift by 32 would be one by 0. */
const above = (word: number, shift: number): number => (shift === 0 ? 0 : word >>> (32 - shift));
const below = (word: number, shift: number): number => (shift === 0 ? 0 : word << (32 - shift));

function masks(k: number): [number, number] {
  const mask = (bits: number) => (bits <= 0 ? 0 : bits >= 32 ? 0xffff_ffff : 2 ** bits - 1);
  return [mask(k), mask(k - 32)];
}
