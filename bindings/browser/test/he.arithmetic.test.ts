// Arithmetic, transforms and samples of the ciphertexts, against BigInt and against their definitions.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Elements } from "../src/fixed.ts";
import { Modulus, elementsOf, isPrime, lower, power, upper } from "../src/he/modulus.ts";
import { Ntt, leastRoot } from "../src/he/ntt.ts";
import { Ring } from "../src/he/ring.ts";
import { errors, ternary } from "../src/he/sample.ts";
import { expand } from "../src/stream.ts";

const words = (elements: Elements): bigint[] => Array.from(new BigUint64Array(elements.buffer));

/** Numbers of 64 bits, among them those at which carries and roundings go wrong. */
function numbers(seed: bigint, count: number): bigint[] {
  const ends = [0n, 1n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 63n, 2n ** 64n - 1n, 0xffff_ffff_0000_0001n, 0x8000_0000_8000_0000n];
  const all = [...ends];
  for (let x = seed; all.length < count; ) {
    x = BigInt.asUintN(64, x * 6364136223846793005n + 1442695040888963407n);
    all.push(x ^ (x >> 29n));
  }
  return all;
}

/** The largest prime of so many bits that is 1 modulo `2·degree`. */
function prime(bits: number, degree: number): bigint {
  let q = 2n ** BigInt(bits) + 1n;
  do q -= 2n * BigInt(degree);
  while (!isPrime(q));
  return q;
}

test("a product of words is exact", () => {
  const all = numbers(1n, 3000).flatMap((x) => [Number(x >> 32n), Number(x & 0xffff_ffffn)]);
  for (let i = 0; i < all.length; i++) {
    const [a, b] = [all[i]!, all[(i * 7 + 3) % all.length]!];
    const low = lower(a, b);
    assert.equal((BigInt(upper(a, b, low)) << 32n) + BigInt(low), BigInt(a) * BigInt(b), `${a} times ${b}`);
  }
});

test("arithmetic modulo a prime is that of BigInt", () => {
  // Of every size, with low words that are near 0 and near 2^32.
  for (const q of [20, 31, 32, 33, 36, 49, 52, 53, 54, 58, 59].map((bits) => prime(bits, 4096))) {
    const modulus = new Modulus(q);
    const inverse = power(2n ** 64n, q - 2n, q);
    const all = [...numbers(q, 2000), q - 1n, q, 1n].map((x) => [x, x % q] as const);
    all.forEach(([any, x], i) => {
      const y = all[(i * 5 + 2) % all.length]![1];
      const [product, sum, difference] = [elementsOf([any]), elementsOf([x]), elementsOf([x])];
      const other = elementsOf([y]);
      modulus.multiply(product, 0, other, 0);
      modulus.add(sum, 0, other, 0);
      modulus.subtract(difference, 0, other, 0);
      const expected = [(any * y * inverse) % q, (x + y) % q, (x - y + q) % q];
      assert.deepEqual([product, sum, difference].flatMap(words), expected, `${any} and ${y} modulo ${q}`);
    });
  }
});

test("primes are primes", () => {
  const slow = (n: number) => n > 1 && Array.from({ length: n - 2 }, (_, i) => i + 2).every((d) => n % d !== 0);
  for (let n = 0; n < 600; n++) assert.equal(isPrime(BigInt(n)), slow(n), `${n}`);
  for (const n of [41041n, 3215031751n, 3474749660383n, 341550071728321n]) assert(!isPrime(n), `${n}`);
  assert(isPrime(2n ** 61n - 1n));
});

test("values stand where the text says", () => {
  const degree = 16;
  for (const bits of [20, 40, 59]) {
    const q = prime(bits, degree);
    const root = leastRoot(q, degree);
    const roots = Array.from({ length: degree }, (_, i) => power(root, BigInt(2 * i + 1), q));
    assert(roots.every((r) => r >= root && power(r, BigInt(degree), q) === q - 1n));
    const a = numbers(9n, degree).map((x) => x % q);
    const elements = elementsOf(a);
    new Ntt(new Modulus(q), degree).forward(elements);
    words(elements).forEach((value, i) => {
      const reversed = parseInt(i.toString(2).padStart(4, "0").split("").reverse().join(""), 2);
      const x = power(root, BigInt(2 * reversed + 1), q);
      assert.equal(value, a.reduceRight((sum, c) => (sum * x + c) % q, 0n), `place ${i}`);
    });
  }
});

test("the scaled plaintext is the nearest integer", () => {
  const degree = 4096;
  const moduli = [prime(53, degree), prime(40, degree)];
  const q = moduli.reduce((product, m) => product * m);
  for (const plaintextBits of [1, 20, 31, 32, 33, 57, 63, 64]) {
    const ring = new Ring({ degree, moduli, plaintextBits, answerBits: 80, rows: 1 });
    const m = numbers(7n, 50);
    const small = Int8Array.from(m, (_, i) => (i % 43) - 21);
    const a = ring.ofSmall(small);
    ring.addScaled(a, elementsOf(m));
    const t = 2n ** BigInt(plaintextBits);
    m.forEach((x, i) => {
      const nearest = (q * (x % t) * 2n + t) / (2n * t) + BigInt(small[i]!);
      moduli.forEach((own, p) => assert.equal(words(a[p]!)[i]!, ((nearest % own) + own) % own, `${x}, ${plaintextBits} bits`));
    });
  }
});

test("distributions have the stated moments and bounds", async () => {
  const elements = await expand(new Uint8Array(16).fill(5), 0, 2 ** 16);
  const moments = (values: Int8Array) => {
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    return [mean, values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length] as const;
  };
  const [mean, variance] = moments(ternary(elements));
  assert(Math.abs(mean) < 0.015 && Math.abs(variance - 2 / 3) < 0.015, `${mean} ${variance}`);
  const [own, spread] = moments(errors(elements));
  assert(Math.abs(own) < 0.06 && Math.abs(spread - 10.5) < 0.3, `${own} ${spread}`);
  const ends = elementsOf([0n, 2n ** 64n - 1n, 2n ** 21n - 1n, (2n ** 21n - 1n) << 21n, 1n << 41n, 1n << 42n, 2n ** 63n]);
  assert.deepEqual(Array.from(errors(ends)), [0, 0, 21, -21, -1, 0, 0]);
  assert.deepEqual(Array.from(ternary(ends)), [-1, 1, -1, -1, -1, -1, 0]);
  const thirds = [2n ** 64n / 3n, 2n ** 64n / 3n + 1n, (2n ** 65n) / 3n, (2n ** 65n) / 3n + 1n];
  assert.deepEqual(Array.from(ternary(elementsOf(thirds))), [-1, 0, 0, 1]);
});
