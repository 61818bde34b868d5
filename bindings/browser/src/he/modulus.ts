// Integers modulo a prime below 2^59, as pairs of 32-bit words (`Elements`), so that secrets are in memory that can be overwritten; a
// BigInt cannot be. Nothing branches on a value.
//
// Products are exact although numbers have 53 bits. Of two words a and b, `Math.imul` gives the low word l. `a·b` in float64 is off by
// 2^10 at most, taking l off rounds by as much again, and what is meant is a multiple of 2^32: so the nearest multiple is the right one.

import type { Elements } from "../fixed.ts";

const PER_WORD = 2 ** -32;

/** The upper word of `a·b`, of which `low` is the lower. */
export const upper = (a: number, b: number, low: number): number => ((a * b - low) * PER_WORD + 0.5) >>> 0;

/** The lower word of `a·b`. */
export const lower = (a: number, b: number): number => Math.imul(a, b) >>> 0;

/** A prime modulus, with what its arithmetic needs. */
export class Modulus {
  /** Bits of an element. */
  readonly bits: number;
  /** The words of the modulus. */
  readonly low: number;
  readonly high: number;
  /** -1/q modulo 2^32. */
  private readonly negative: number;

  /** For an odd `q` of 20 to 59 bits. */
  constructor(readonly q: bigint) {
    this.bits = q.toString(2).length;
    this.low = Number(q & 0xffff_ffffn);
    this.high = Number(q >> 32n);
    let inverse = 1;
    // Each step doubles the bits that are right (Newton).
    for (let step = 0; step < 5; step++) inverse = Math.imul(inverse, 2 - Math.imul(this.low, inverse));
    this.negative = -inverse >>> 0;
  }

  /** What `multiply` multiplies by to give a product with `x`; not for secrets. */
  factor(x: bigint): bigint {
    return (x << 64n) % this.q;
  }

  /**
   * `x[i] = x[i]·y[j]/2^64`, by Montgomery's reduction, word by word: multiples of q are added until the two low words are zero. Any
   * `x`, a `y` below q. What is left is below 2q, as `(x·y + 2^64·q)/2^64` is. No sum below has more than 36 bits.
   */
  multiply(x: Elements, i: number, y: Elements, j: number): void {
    const { low: q0, high: q1, negative } = this;
    const a0 = x[2 * i]!;
    const a1 = x[2 * i + 1]!;
    const b0 = y[2 * j]!;
    const b1 = y[2 * j + 1]!;
    // (x·b0 + m·q)/2^32.
    const l0 = lower(a0, b0);
    const m = lower(l0, negative);
    const l1 = lower(a1, b0);
    const l2 = lower(m, q1);
    // The low words of both add up to 0 or to 2^32.
    const carry0 = (l0 | -l0) >>> 31;
    const t0 = upper(a0, b0, l0) + upper(m, q0, -l0 >>> 0) + carry0 + l1 + l2;
    const t1 = upper(a1, b0, l1) + upper(m, q1, l2) + Math.floor(t0 * PER_WORD);
    // (x·b1 + what was left + n·q)/2^32.
    const l3 = lower(a0, b1);
    const sum = (t0 >>> 0) + l3;
    const s0 = sum >>> 0;
    const n = lower(s0, negative);
    const l4 = lower(a1, b1);
    const l5 = lower(n, q1);
    const carry1 = ((s0 | -s0) >>> 31) + Math.floor(sum * PER_WORD);
    const r0 = t1 + upper(a0, b1, l3) + upper(n, q0, -s0 >>> 0) + carry1 + l4 + l5;
    const r1 = upper(a1, b1, l4) + upper(n, q1, l5) + Math.floor(r0 * PER_WORD);
    this.once(x, i, r0 >>> 0, r1);
  }

  /** `x[i] += y[j]`, both below q. */
  add(x: Elements, i: number, y: Elements, j: number): void {
    const low = x[2 * i]! + y[2 * j]!;
    this.once(x, i, low >>> 0, x[2 * i + 1]! + y[2 * j + 1]! + Math.floor(low * PER_WORD));
  }

  /** `x[i] -= y[j]`, both below q. */
  subtract(x: Elements, i: number, y: Elements, j: number): void {
    const low = x[2 * i]! - y[2 * j]!;
    const high = x[2 * i + 1]! - y[2 * j + 1]! + Math.floor(low * PER_WORD);
    // All ones where the difference is negative.
    const mask = high >> 31;
    const sum = (low >>> 0) + ((this.low & mask) >>> 0);
    x[2 * i] = sum;
    x[2 * i + 1] = high + (this.high & mask) + Math.floor(sum * PER_WORD);
  }

  /** `out[i]`: the number of these words, which is below 2q, modulo q. */
  private once(out: Elements, i: number, low: number, high: number): void {
    const less = low - this.low;
    const rest = high - this.high + Math.floor(less * PER_WORD);
    const mask = rest >> 31;
    out[2 * i] = (low & mask) | (less & ~mask);
    out[2 * i + 1] = (high & mask) | (rest & ~mask);
  }
}

/** Words of public numbers. */
export function elementsOf(numbers: bigint[]): Elements {
  const out = new Uint32Array(2 * numbers.length);
  numbers.forEach((x, at) => {
    out[2 * at] = Number(x & 0xffff_ffffn);
    out[2 * at + 1] = Number(x >> 32n);
  });
  return out;
}

/** `base^exponent` modulo q; not for secrets. */
export function power(base: bigint, exponent: bigint, q: bigint): bigint {
  let [square, result] = [base % q, 1n];
  for (let rest = exponent; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * square) % q;
    square = (square * square) % q;
  }
  return result;
}

const BASES = [2n, 3n, 5n, 7n, 11n, 13n, 17n, 19n, 23n, 29n, 31n, 37n];

/** Miller's and Rabin's test, with the bases that decide every 64-bit number (Sorenson and Webster, 2015). */
export function isPrime(n: bigint): boolean {
  if (n < 2n || BASES.some((p) => n % p === 0n)) return BASES.includes(n);
  let [odd, twos] = [n - 1n, 0];
  for (; odd % 2n === 0n; odd /= 2n) twos++;
  return BASES.every((base) => {
    let x = power(base, odd, n);
    if (x === 1n) return true;
    for (let i = 0; i < twos; i++, x = (x * x) % n) if (x === n - 1n) return true;
    return false;
  });
}
