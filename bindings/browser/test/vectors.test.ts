// The vectors that every client of the three parties is held to, which other libraries computed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { hex } from "../src/bytes.ts";
import { type Elements, combine } from "../src/fixed.ts";
import { pack, unpack } from "../src/pack.ts";
import type { Protect } from "../src/protect.ts";
import { type Layout, Request } from "../src/request.ts";
import { expand } from "../src/stream.ts";
import { bytes, entropyOf, file } from "./support.ts";

interface Vectors {
  pack: { k: number; elements: string[]; bytes: string }[];
  expand: { seed: string; chunk: number; bytes: string; elements: string[] }[];
  requests: (Omit<Layout, "bundle" | "encodedBits"> & {
    protect: Protect;
    encoded_bits: number;
    bundle: string;
    rows: number;
    chunk: number;
    s0: string;
    s1: string;
    salt: string;
    inputs: number[];
    heads: string[];
    bodies: (string | null)[];
    point: string;
  })[];
  answers: { k: number; point: string; answers: string[]; scores: string[] }[];
}

const path = file("../../crates/deploy/tests/golden/replicated3-v1.json");
const vectors: Vectors = JSON.parse(readFileSync(path, "utf8"));

const elements = (words: bigint[]): Elements => new Uint32Array(BigUint64Array.from(words).buffer);
const words = (elements: Elements): bigint[] => Array.from(new BigUint64Array(elements.buffer));

test("packing follows the layout, and unpacking undoes it", () => {
  assert(vectors.pack.length > 8);
  for (const { k, elements: own, bytes: expected } of vectors.pack) {
    const given = own.map((word) => BigInt(`0x${word}`));
    const packed = pack(k, elements(given));
    assert.equal(hex(packed), expected, `${k} bits`);
    const reduced = given.map((word) => BigInt.asUintN(k, word));
    assert.deepEqual(words(unpack(k, packed, given.length)), reduced, `${k} bits`);
  }
});

test("a seed expands as it is stated", async () => {
  for (const { seed, chunk, bytes: expected, elements: own } of vectors.expand) {
    const got = await expand(bytes(seed), chunk, own.length);
    assert.equal(hex(new Uint8Array(got.buffer)), expected, `chunk ${chunk}`);
    assert.deepEqual(words(got), own.map((word) => BigInt(`0x${word}`)));
  }
});

test("messages for the parties are the same bytes", async () => {
  for (const asked of vectors.requests) {
    const request = Request.draw(entropyOf(asked.s0 + asked.s1 + asked.salt));
    const { protect, k, columns, encoded_bits: encodedBits } = asked;
    const bundle = bytes(asked.bundle);
    const layout: Layout = { bundle, protect, k, columns, encodedBits, scores: 1, answerBits: k, mostRows: Infinity };
    const encoded = elements(asked.inputs.map((x) => BigInt.asUintN(64, BigInt(x))));
    const { messages, point } = await request.split(layout, asked.chunk, asked.rows, encoded);
    assert.equal(hex(point), asked.point);
    assert.deepEqual(messages.map(({ head }) => hex(head)), asked.heads, protect);
    assert.deepEqual(messages.map(({ body }) => body && hex(body)), asked.bodies, protect);
    assert(encoded.every((word) => word === 0), "what was encoded is overwritten");
  }
});

test("answers add up", () => {
  for (const { k, answers, scores } of vectors.answers) {
    const shares = answers.map((answer) => unpack(k, bytes(answer).subarray(32), scores.length));
    const sums = words(combine(shares[0]!, shares[1]!, shares[2]!));
    assert.deepEqual(sums.map((sum) => String(BigInt.asIntN(k, sum))), scores);
  }
});
