// A client's key: encryption, and decryption. Brakerski's scheme as Fan and Vercauteren have it (eprint 2012/144), with a secret key for
// encryption, so that half of each ciphertext is a seed.

import { type Bytes, wipe } from "../bytes.ts";
import type { Elements } from "../fixed.ts";
import { packedLength, unpack } from "../pack.ts";
import type { Entropy } from "../request.ts";
import type { Packing } from "./packing.ts";
import { LOW_BITS, answerBytes } from "./parameters.ts";
import type { Multiplier, Poly, Ring } from "./ring.ts";
import { type PublicSeed, drawn, errors, ternary } from "./sample.ts";

export class Key {
  private constructor(
    private readonly ring: Ring,
    /** s, from its last coefficient to its first, as it decrypts. */
    private readonly reversed: Int8Array<ArrayBuffer>,
    /** s, as it encrypts. */
    private readonly values: Multiplier,
    /** Where the public polynomials of this key come from: number 0 is the public key's, others are of ciphertexts. */
    readonly seed: PublicSeed,
    /** The public key's b: what the server needs to encrypt zeros. */
    readonly encryptionOfZero: Bytes,
  ) {}

  /** A fresh one, for the bundle of this digest. */
  static async draw(ring: Ring, bundle: Bytes, entropy: Entropy): Promise<Key> {
    const { degree } = ring.parameters;
    const seed = { seed: entropy(32), bundle };
    const elements = await drawn(entropy, 2 * degree);
    const s = ternary(elements.subarray(0, 2 * degree));
    const e = errors(elements.subarray(2 * degree));
    const values = ring.ofSmall(s);
    ring.forward(values);
    const multiplier = ring.multiplier(values);
    const b = hidden(ring, ring.ofSmall(e), seed, 0, multiplier);
    wipe(elements, e);
    return new Key(ring, s.reverse(), multiplier, seed, b);
  }

  /** The ciphertext of a polynomial of plaintexts, under public polynomial `index`, which must never be used again. Overwrites them. */
  async encrypt(index: number, plaintext: Elements, entropy: Entropy): Promise<Bytes> {
    const { ring } = this;
    try {
      const elements = await drawn(entropy, ring.parameters.degree);
      const e = errors(elements);
      const c0 = ring.ofSmall(e);
      ring.addScaled(c0, plaintext);
      wipe(elements, e);
      return hidden(ring, c0, this.seed, index, this.values);
    } finally {
      wipe(plaintext);
    }
  }

  /**
   * The plaintexts of one ciphertext's answer: for each product, by row, then by score of the product. Whatever the bytes are, as long
   * as there are `answerBytes` of them, this gives as many numbers.
   */
  decrypt(packing: Packing, rows: number, answer: Bytes): bigint[][] {
    const { parameters } = this.ring;
    const answers = rows * packing.scoresInOne;
    const [all, few] = [answerBytes(parameters, parameters.degree), answerBytes(parameters, answers)];
    return Array.from({ length: packing.products }, (_, product) => {
      const of = answer.subarray(product * (all + few), (product + 1) * (all + few));
      const c1 = this.halves(of.subarray(0, all), parameters.degree);
      const c0 = this.halves(of.subarray(all), answers);
      return Array.from({ length: answers }, (_, i) => this.rounded(at(c0, i) + this.times(c1, packing.answer(i))));
    });
  }

  /** Bytes of the answer to one ciphertext of so many rows. */
  answerBytes({ products, scoresInOne }: Packing, rows: number): number {
    const { parameters } = this.ring;
    return products * (answerBytes(parameters, parameters.degree) + answerBytes(parameters, rows * scoresInOne));
  }

  /** The secret is overwritten; nothing is encrypted or decrypted after that. */
  wipe(): void {
    wipe(this.reversed, ...this.values);
  }

  private halves(bytes: Bytes, count: number): Halves {
    const cut = packedLength(count, LOW_BITS);
    const high = this.ring.parameters.answerBits - LOW_BITS;
    return [unpack(LOW_BITS, bytes.subarray(0, cut), count), unpack(high, bytes.subarray(cut), count)];
  }

  /** The coefficient at `place` of s times a polynomial: Σ_(i ≤ place) c_i·s_(place - i) - Σ_(i > place) c_i·s_(N + place - i). */
  private times(c: Halves, place: number): bigint {
    const { reversed } = this;
    const n = reversed.length;
    // Words are below 2^32 and at most 2^14 of them are added: sums are exact.
    const sums = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const s = i <= place ? reversed[n - 1 - place + i]! : -reversed[i - place - 1]!;
      for (let word = 0; word < 4; word++) sums[word]! += s * c[word >> 1]![2 * i + (word & 1)]!;
    }
    const [a, b, d, e] = sums.map(BigInt) as [bigint, bigint, bigint, bigint];
    return a + (b << 32n) + ((d + (e << 32n)) << BigInt(LOW_BITS));
  }

  /** The nearest multiple of 2^(d-k), in units of it, modulo 2^k. */
  private rounded(phase: bigint): bigint {
    const { answerBits, plaintextBits } = this.ring.parameters;
    const below = BigInt(answerBits - plaintextBits);
    return BigInt.asUintN(plaintextBits, (phase + (1n << (below - 1n))) >> below);
  }
}

/** Numbers modulo 2^d, as their low bits and the rest. */
type Halves = [low: Elements, high: Elements];

function at([low, high]: Halves, i: number): bigint {
  const word = (of: Elements) => BigInt(of[2 * i]!) + (BigInt(of[2 * i + 1]!) << 32n);
  return word(low) + (word(high) << BigInt(LOW_BITS));
}

/** `from - a·s` of coefficients, in values, where a is public polynomial `index`. Overwrites them. */
function hidden(ring: Ring, from: Poly, seed: PublicSeed, index: number, s: Multiplier): Bytes {
  ring.forward(from);
  ring.hide(from, seed, index, s);
  const bytes = ring.write(from);
  wipe(...from);
  return bytes;
}
