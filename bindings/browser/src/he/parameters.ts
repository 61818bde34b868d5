// The ring, the modulus and the bits of answers, as the bundle has them. A client's rows are as safe as these are, so what came from
// outside is held to the homomorphic encryption standard before anything is encrypted.

import { packedLength } from "../pack.ts";
import { sound, within } from "../sound.ts";
import { isPrime } from "./modulus.ts";

/** Answers that one key may decrypt: the server's flood was chosen for so many. */
export const ANSWERS_PER_KEY = 4096;

/** Numbers of an answer travel as so many low bits and the rest. */
export const LOW_BITS = 48;

/** Degrees, and the most bits of the modulus at 128-bit security for a ternary secret: table 1 of the standard (Albrecht and others, 2018). */
const STANDARD: Record<number, number> = { 4096: 109, 8192: 218, 16384: 438 };

const MOST_PRIMES = 6;

/** As the bundle has it, as far as the client uses it. */
export interface ParametersJson {
  degree: number;
  moduli: number[];
  plaintext_bits: number;
  answer_bits: number;
  rows: number;
}

export interface Parameters {
  /** N: coefficients of a polynomial. */
  degree: number;
  /** The primes whose product is Q, largest first. */
  moduli: bigint[];
  /** k: plaintexts are numbers modulo 2^k. */
  plaintextBits: number;
  /** d: answers travel modulo 2^d. */
  answerBits: number;
  /** Rows that one ciphertext holds at most. */
  rows: number;
}

/** Checks them for a model with scores of `k` bits: what its owner chose may not cost the client its privacy, nor a place in a polynomial. */
export function parametersOf(json: ParametersJson, k: number, columns: number, scores: number): Parameters {
  const { degree, plaintext_bits: plaintextBits, answer_bits: answerBits, rows } = json;
  const standard = Object.hasOwn(STANDARD, degree) ? STANDARD[degree]! : 0;
  sound(standard > 0 && within(json.moduli.length, 1, MOST_PRIMES));
  const moduli = json.moduli.map((q) => exact(q, degree));
  sound(moduli.every((q, i) => i === 0 || q < moduli[i - 1]!) && moduli.every(isPrime));
  sound(moduli.reduce((product, q) => product * q, 1n) <= 2n ** BigInt(standard));
  sound(plaintextBits === k && within(answerBits, LOW_BITS + 1, LOW_BITS + 64) && answerBits > k);
  sound(within(rows, 1, ANSWERS_PER_KEY) && within(scores, 1, ANSWERS_PER_KEY) && rows * columns <= degree);
  return { degree, moduli, plaintextBits, answerBits, rows };
}

/**
 * A modulus of 20 to 59 bits that is 1 modulo 2N. JSON in a page rounds numbers to 53 bits, by 32 at most here: no other number that
 * near is 1 modulo 2N.
 */
function exact(json: number, degree: number): bigint {
  sound(within(json, 2 ** 19, 2 ** 59));
  const q = BigInt(Math.round(json / (2 * degree))) * BigInt(2 * degree) + 1n;
  sound(Number(q) === json && q < 2n ** 59n);
  return q;
}

/** Bytes of `count` numbers of an answer. */
export function answerBytes({ answerBits }: Parameters, count: number): number {
  return packedLength(count, LOW_BITS) + packedLength(count, answerBits - LOW_BITS);
}
