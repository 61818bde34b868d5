// The number-theoretic transform of `Z_q[X]/(X^N + 1)`: after it, products are element by element.
//
// Place `i` of a transformed polynomial holds its value at `ψ^(2·reverse(i) + 1)`, where `reverse` turns the `log2 N` bits of `i` around
// and ψ is the *least* primitive 2N-th root of one, so that every implementation has the same order.

import type { Elements } from "../fixed.ts";
import { type Modulus, elementsOf, power } from "./modulus.ts";

/** The transform for one modulus, from coefficients to values: a client needs no other direction. */
export class Ntt {
  private readonly roots: Elements;

  /** For a prime that is 1 modulo `2·degree`; `degree` a power of two. */
  constructor(
    readonly modulus: Modulus,
    degree: number,
  ) {
    const { q } = modulus;
    const root = leastRoot(q, degree);
    const powers: bigint[] = [1n];
    while (powers.length < degree) powers.push((powers.at(-1)! * root) % q);
    this.roots = elementsOf(powers.map((_, i) => modulus.factor(powers[reverse(i, degree)]!)));
  }

  /** Cooley's and Tukey's butterflies, in place. */
  forward(a: Elements): void {
    const { modulus, roots } = this;
    const count = a.length / 2;
    const left = new Uint32Array(2);
    let root = 1;
    for (let half = count >> 1; half > 0; half >>= 1) {
      for (let block = 0; block < count; block += 2 * half, root++) {
        for (let x = block; x < block + half; x++) {
          const y = x + half;
          modulus.multiply(a, y, roots, root);
          left[0] = a[2 * x]!;
          left[1] = a[2 * x + 1]!;
          modulus.add(a, x, a, y);
          modulus.subtract(left, 0, a, y);
          a[2 * y] = left[0];
          a[2 * y + 1] = left[1];
        }
      }
    }
    left.fill(0);
  }
}

function reverse(i: number, degree: number): number {
  let out = 0;
  for (let [bit, rest] = [1, i]; bit < degree; bit *= 2, rest >>= 1) out = 2 * out + (rest & 1);
  return out;
}

/** The least primitive `2·degree`-th root of one. */
export function leastRoot(q: bigint, degree: number): bigint {
  const order = 2n * BigInt(degree);
  let root = 0n;
  // x^((q - 1)/order) has the right order exactly when its degree-th power is -1.
  for (let x = 2n; power(root, BigInt(degree), q) !== q - 1n; x++) root = power(x, (q - 1n) / order, q);
  const square = (root * root) % q;
  let least = root;
  // All others are its odd powers.
  for (let i = 1; i < degree; i++) {
    root = (root * square) % q;
    if (root < least) least = root;
  }
  return least;
}
