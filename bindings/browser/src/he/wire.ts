// A message of the `he` kind, version 1: `deploy/src/he/wire.rs` has the table.

import { type Bytes, concat, u32, utf8 } from "../bytes.ts";
import { derived } from "../commitment.ts";

export interface Question {
  /** Rows in all ciphertexts together. */
  rows: number;
  /** The number of the first ciphertext's public polynomial; each further one has the next. */
  first: number;
  bundle: Bytes;
  /** Of the key's public polynomials. */
  seed: Bytes;
  /** Which key. */
  id: Bytes;
}

export const headOf = ({ rows, first, bundle, seed, id }: Question): Bytes =>
  concat(utf8("PVH1"), u32(rows), u32(first), bundle, seed, id);

/** The digest by which a key is referred to. */
export const keyId = (bundle: Bytes, seed: Bytes, key: Bytes): Bytes =>
  derived("privet 2026 digest of a public key of ciphertexts", bundle, seed, key);
