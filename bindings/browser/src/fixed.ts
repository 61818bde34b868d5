// Fixed point: a real number `x` becomes the integer nearest to `x·scale`, and back. A ring element is two 32-bit words, the low
// one first, as a 64-bit word lies in memory; so all elements together are a `Uint32Array`, which can be wiped.

export type Elements = Uint32Array<ArrayBuffer>;

/** Adding this rounds a float64 below 2^51 to the nearest integer, ties to even, and leaves that integer in the low bits. */
const ROUNDER = 6_755_399_441_055_744; // 1.5 * 2^52
/** The high word of its bits; the low one is zero, so that taking them off borrows nothing. */
const ROUNDER_HIGH = 0x4338_0000;

const WORD = 2 ** 32;

/** 2^exponent, exactly; 0 or infinity beyond the range of float64. */
export function powerOfTwo(exponent: number): number {
  if (exponent < -1074) return 0;
  if (exponent > 1023) return Infinity;
  const view = new DataView(new ArrayBuffer(8));
  if (exponent >= -1022) view.setUint32(0, (exponent + 1023) << 20);
  else view.setBigUint64(0, 1n << BigInt(exponent + 1074));
  return view.getFloat64(0);
}

/** Each row of `values`, column `j` with `scales[j]`. Every `|x·scale|` is below 2^51. */
export function encode(values: Float64Array, scales: Float64Array): Elements {
  const out = new Uint32Array(2 * values.length);
  const sum = new Float64Array(1);
  const bits = new Uint32Array(sum.buffer);
  for (let i = 0, j = 0; i < values.length; i++, j = j + 1 === scales.length ? 0 : j + 1) {
    sum[0] = values[i]! * scales[j]! + ROUNDER;
    out[2 * i] = bits[0]!;
    out[2 * i + 1] = bits[1]! - ROUNDER_HIGH;
  }
  sum[0] = 0;
  return out;
}

/** Element `at`, of `k` bits, times 2^-fraction. */
export function decode(elements: Elements, at: number, k: number, fraction: number): number {
  const element = (BigInt(elements[2 * at + 1]!) << 32n) | BigInt(elements[2 * at]!);
  return Number(BigInt.asIntN(k, element)) * powerOfTwo(-fraction);
}

/** `x -= a + b`, modulo 2^64: the explicit third share of values whose other two shares are `a` and `b`. */
export function subtractBoth(x: Elements, a: Elements, b: Elements): void {
  for (let i = 0; i < x.length; i += 2) {
    const low = x[i]! - a[i]! - b[i]!;
    x[i] = low;
    x[i + 1] = x[i + 1]! - a[i + 1]! - b[i + 1]! + Math.floor(low / WORD);
  }
}

/** The sum of three answers, modulo 2^64. */
export function combine(a: Elements, b: Elements, c: Elements): Elements {
  const out = new Uint32Array(a.length);
  for (let i = 0; i < a.length; i += 2) {
    const low = a[i]! + b[i]! + c[i]!;
    out[i] = low;
    out[i + 1] = a[i + 1]! + b[i + 1]! + c[i + 1]! + Math.floor(low / WORD);
  }
  return out;
}
