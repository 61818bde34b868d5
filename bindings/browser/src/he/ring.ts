// Polynomials modulo X^N + 1 and modulo Q, held as residues modulo each prime of Q.

import { type Bytes, joined, wipe } from "../bytes.ts";
import type { Elements } from "../fixed.ts";
import { pack } from "../pack.ts";
import { Modulus, elementsOf, lower, power, upper } from "./modulus.ts";
import { Ntt } from "./ntt.ts";
import type { Parameters } from "./parameters.ts";
import { type PublicSeed, publicResidues } from "./sample.ts";

/** A polynomial: for each prime in turn, N residues. */
export type Poly = Elements[];

/** A polynomial in values, ready to be multiplied with others. */
export type Multiplier = Poly;

/** The ring of given parameters, with everything that arithmetic in it needs. */
export class Ring {
  private readonly ntts: Ntt[];
  /** Q modulo 2^64, as words. */
  private readonly modulus: [low: number, high: number];
  /** By prime, -1/2^k, to multiply with. */
  private readonly minusPerT: Elements[];

  constructor(readonly parameters: Parameters) {
    const { moduli, degree, plaintextBits } = parameters;
    this.ntts = moduli.map((q) => new Ntt(new Modulus(q), degree));
    const words = elementsOf([BigInt.asUintN(64, moduli.reduce((product, q) => product * q, 1n))]);
    this.modulus = [words[0]!, words[1]!];
    this.minusPerT = this.ntts.map(({ modulus }) => {
      const { q } = modulus;
      const perT = power(power(2n, BigInt(plaintextBits), q), q - 2n, q);
      return elementsOf([modulus.factor(q - perT)]);
    });
  }

  /** The polynomial with these coefficients, which are smaller than any prime. */
  ofSmall(coefficients: Int8Array): Poly {
    return this.ntts.map(({ modulus }) => {
      const out = new Uint32Array(2 * coefficients.length);
      for (let i = 0; i < coefficients.length; i++) {
        const x = coefficients[i]!;
        const low = (x >>> 31) * modulus.low + x;
        out[2 * i] = low;
        out[2 * i + 1] = (x >>> 31) * modulus.high + Math.floor(low / 2 ** 32);
      }
      return out;
    });
  }

  /**
   * Adds the integer nearest to Q·m/2^k to each coefficient: m is the low k bits of a plaintext. Of each product Q·m only the part modulo
   * 2^k matters (Bootland, Kim, Polyakov and others, eprint 2021/204, remark 3.1): what is subtracted to make it a multiple of 2^k is
   * divided by 2^k modulo each prime.
   */
  addScaled(to: Poly, plaintext: Elements): void {
    const rests = this.rests(plaintext);
    const product = new Uint32Array(2);
    const tooMuch = new Uint32Array(2);
    this.ntts.forEach(({ modulus }, prime) => {
      const limb = to[prime]!;
      const factor = this.minusPerT[prime]!;
      for (let i = 0; i < rests.length / 2; i++) {
        product[0] = rests[2 * i]!;
        product[1] = rests[2 * i + 1]!;
        modulus.multiply(product, 0, factor, 0);
        // Read as unsigned, a negative number is 2^64 too large, and 2^64 times the factor is what the factor is held as.
        const mask = rests[2 * i + 1]! >> 31;
        tooMuch[0] = factor[0]! & mask;
        tooMuch[1] = factor[1]! & mask;
        modulus.add(limb, i, product, 0);
        modulus.subtract(limb, i, tooMuch, 0);
      }
    });
    wipe(rests, product, tooMuch);
  }

  /** Q times a plaintext modulo 2^k, between -2^(k-1) and 2^(k-1), as 64 bits. */
  private rests(plaintext: Elements): Elements {
    const [q0, q1] = this.modulus;
    const k = this.parameters.plaintextBits;
    const first = Math.max(32 - k, 0);
    const second = Math.min(64 - k, 31);
    const out = new Uint32Array(plaintext.length);
    for (let i = 0; i < plaintext.length; i += 2) {
      const m0 = plaintext[i]!;
      const m1 = plaintext[i + 1]!;
      const low = lower(q0, m0);
      const high = (upper(q0, m0, low) + Math.imul(q0, m1) + Math.imul(q1, m0)) | 0;
      out[i] = (low << first) >> first;
      out[i + 1] = k <= 32 ? out[i]! >> 31 : (high << second) >> second;
    }
    return out;
  }

  /** From coefficients to values. */
  forward(a: Poly): void {
    this.ntts.forEach((ntt, prime) => ntt.forward(a[prime]!));
  }

  /** What `hide` multiplies by: a polynomial in values, which is overwritten. */
  multiplier(values: Poly): Multiplier {
    this.ntts.forEach(({ modulus }, prime) => {
      // 2^128, so that the product is as a factor is held.
      const square = elementsOf([modulus.factor(modulus.factor(1n))]);
      for (let i = 0; i < values[prime]!.length / 2; i++) modulus.multiply(values[prime]!, i, square, 0);
    });
    return values;
  }

  /** Takes a·s from what is in values, where a is public polynomial `index`. */
  hide(from: Poly, seed: PublicSeed, index: number, s: Multiplier): void {
    const { degree, moduli } = this.parameters;
    this.ntts.forEach(({ modulus }, prime) => {
      const product = publicResidues(seed, index, prime, moduli[prime]!, degree);
      for (let i = 0; i < degree; i++) {
        modulus.multiply(product, i, s[prime]!, i);
        modulus.subtract(from[prime]!, i, product, i);
      }
      wipe(product);
    });
  }

  /** The residues, each in as many bits as its prime has. */
  write(a: Poly): Bytes {
    return joined(this.ntts.map(({ modulus }, prime) => pack(modulus.bits, a[prime]!)));
  }
}
