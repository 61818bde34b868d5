// Rows become shares: the secrets of one request, and the message for each party.

import { type Bytes, concat, u32, utf8, wipe } from "./bytes.ts";
import { type Statement, ofBytes, ofSeed, pointOf } from "./commitment.ts";
import { ours } from "./errors.ts";
import { type Elements, subtractBoth } from "./fixed.ts";
import { pack, packedLength } from "./pack.ts";
import { type Component, PARTIES, PROTECTS, type Protect, components } from "./protect.ts";
import { expand } from "./stream.ts";

/** Gives so many random bytes. */
export type Entropy = (length: number) => Bytes;

/** What is public about the shape of a request. */
export interface Layout {
  bundle: Bytes;
  protect: Protect;
  /** Bits of the ring. */
  k: number;
  /** Bits of an encoded input, sign included. */
  encodedBits: number;
  columns: number;
  scores: number;
  /** Bits of a score. */
  answerBits: number;
  /** Rows that a chunk may have, whatever fits into a message. */
  mostRows: number;
}

/** What one party receives for one chunk, version 1 of the wire: `deploy/src/wire.rs` has the table. */
export interface Message {
  head: Bytes;
  /** The explicit share, where the party holds it. */
  body: Bytes | null;
}

export interface Split {
  messages: Message[];
  /** Which every honest answer repeats. */
  point: Bytes;
}

const CHUNK_BYTES = 2 ** 20;
const MAX_CHUNK_ROWS = 2 ** 16;

/** A share needs the whole ring, a value that is not hidden only its own bits. */
const explicitBits = (layout: Layout): number => (layout.protect === "model" ? layout.encodedBits : layout.k);

/** Rows in a full chunk; a party refuses more. */
export function chunkRows(layout: Layout): number {
  const up = packedLength(layout.columns, explicitBits(layout));
  const fits = Math.floor(CHUNK_BYTES / Math.max(up, 8 * layout.scores, 1));
  return Math.min(Math.max(Math.min(fits, layout.mostRows), 1), MAX_CHUNK_ROWS);
}

/** Two seeds and a salt, drawn once and never used for another request. */
export class Request {
  private readonly chunks = new Set<number>();
  private wiped = false;

  private constructor(
    private readonly s0: Bytes,
    private readonly s1: Bytes,
    private readonly salt: Bytes,
  ) {}

  static draw(entropy: Entropy): Request {
    const s0 = entropy(16);
    const s1 = entropy(16);
    return new Request(s0, s1, entropy(16));
  }

  /** Splits the encoded rows of one chunk, which are overwritten. */
  async split(layout: Layout, chunk: number, rows: number, encoded: Elements): Promise<Split> {
    this.spend(chunk);
    const explicit = await this.explicit(layout, chunk, encoded);
    const whole = ofBytes(this.salt, explicit);
    const { bundle, protect } = layout;
    const commitments: Statement["commitments"] =
      protect === "model" ? [whole, whole, whole] : [ofSeed(this.s0), ofSeed(this.s1), whole];
    const statement = { bundle, protect, rows, chunk, commitments };
    const messages = Array.from({ length: PARTIES }, (_, role) => this.message(role, statement, explicit));
    return { messages, point: pointOf(statement) };
  }

  wipe(): void {
    this.wiped = true;
    wipe(this.s0, this.s1, this.salt);
  }

  /** No part of a seed's stream masks two things, and none masks with a seed that is gone. */
  private spend(chunk: number): void {
    if (this.wiped || this.chunks.has(chunk) || chunk >= 2 ** 32) {
      throw ours("E900", "Rows were to be split twice with the same secrets. Nothing was sent.");
    }
    this.chunks.add(chunk);
  }

  /** x2 = x - x0 - x1, or x itself; packed. */
  private async explicit(layout: Layout, chunk: number, x: Elements): Promise<Bytes> {
    if (layout.protect !== "model") {
      const [a, b] = await Promise.all([this.s0, this.s1].map((seed) => expand(seed, chunk, x.length / 2)));
      subtractBoth(x, a!, b!);
      wipe(a!, b!);
    }
    const packed = pack(explicitBits(layout), x);
    wipe(x);
    return packed;
  }

  private message(role: number, statement: Statement, explicit: Bytes): Message {
    const { bundle, protect, rows, chunk, commitments } = statement;
    const held = components(protect, role);
    const marks = Uint8Array.of(role, PROTECTS.indexOf(protect), 0, 0);
    const secrets = held.map((component) => this.secret(component));
    const head = concat(utf8("PVT1"), marks, u32(rows), u32(chunk), bundle, ...commitments, ...secrets);
    return { head, body: held.some((c) => c === "x2" || c === "whole") ? explicit : null };
  }

  /** A seed, or the salt of the explicit share. */
  private secret(component: Component): Bytes {
    return component === "x0" ? this.s0 : component === "x1" ? this.s1 : this.salt;
  }
}
