// Three parties that are played here: their messages add up to the rows, and wrong replies are noticed.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bytes, concat, equal, hex } from "../src/bytes.ts";
import { pointOf } from "../src/commitment.ts";
import { connect } from "../src/index.ts";
import { pack, packedLength, unpack } from "../src/pack.ts";
import { PROTECTS } from "../src/protect.ts";
import { chunkRows } from "../src/request.ts";
import { expand } from "../src/stream.ts";
import { type Tensors, bytes, code, deployment, errorOf, fetchTo, manifest, partyOf } from "./support.ts";

const K = 43;
const COLUMNS = 4;
const WEIGHTS = [3n, -5n, 7n, 11n];
const MASK = 2n ** BigInt(K) - 1n;

const words = (elements: Uint32Array<ArrayBuffer>) => Array.from(new BigUint64Array(elements.buffer));

/** The head of a message, read back. */
function read(head: Bytes) {
  const view = new DataView(head.buffer);
  const [rows, chunk] = [view.getUint32(8, true), view.getUint32(12, true)];
  const commitment = (i: number) => head.slice(48 + 32 * i, 80 + 32 * i);
  const statement = { bundle: head.slice(16, 48), protect: PROTECTS[head[5]!]!, rows, chunk };
  const point = pointOf({ ...statement, commitments: [commitment(0), commitment(1), commitment(2)] });
  return { rows, chunk, point, secrets: head.slice(144) };
}

/** All parties together, which see everything: encoded rows, and shares of the scores. */
class Parties {
  rows: bigint[][] = [];
  private readonly waiting = new Map<number, { messages: Tensors[]; ready: (() => void)[] }>();

  readonly answer = async (message: Tensors, url: string): Promise<Tensors> => {
    const party = partyOf(url);
    const { rows, chunk, point } = read(message.request!);
    const group = this.waiting.get(chunk) ?? { messages: [], ready: [] };
    this.waiting.set(chunk, group);
    group.messages[party] = message;
    const all = new Promise<void>((ready) => group.ready.push(ready));
    if (group.ready.length === 3) group.ready.forEach((ready) => ready());
    await all;
    const encoded = await this.reconstructed(group.messages, rows, chunk);
    if (party === 0) this.rows[chunk] = encoded;
    const scores = Array.from({ length: rows }, (_, row) =>
      WEIGHTS.reduce((sum, w, j) => sum + w * BigInt.asIntN(K, encoded[row * COLUMNS + j]!), 0n),
    );
    const shares = scores.map((score) => BigInt.asUintN(64, party === 2 ? score - 12345n : party === 0 ? 12000n : 345n));
    return { answer: concat(point, pack(K, new Uint32Array(BigUint64Array.from(shares).buffer))) };
  };

  private async reconstructed(messages: Tensors[], rows: number, chunk: number): Promise<bigint[]> {
    const n = rows * COLUMNS;
    const secrets = messages.map(({ request }) => read(request!).secrets);
    assert(equal(messages[1]!.share!, messages[2]!.share!));
    const x2 = words(unpack(K, messages[1]!.share!, n));
    const x0 = words(await expand(secrets[0]!.slice(0, 16), chunk, n));
    const x1 = words(await expand(secrets[0]!.slice(16), chunk, n));
    return x2.map((x, i) => (x + x0[i]! + x1[i]!) & MASK);
  }
}

test("three messages add up to the encoded rows, and three answers to the outputs", async () => {
  const parties = new Parties();
  const model = connect(deployment(manifest()), { fetch: fetchTo(parties.answer) });
  const { outputs, rounds, bytesUp, bytesDown } = await model.outputs({ x: [64, 512, NaN, -64, 0.001, 100] });
  const encoded = parties.rows[0]!.map((x) => BigInt.asIntN(K, x));
  assert.deepEqual(encoded, [524288n, 524288n, 0n, 1048576n, -524288n, 1n, 102400n, 0n]);
  const scores = [0, 1].map((row) => {
    const sum = WEIGHTS.reduce((sum, w, j) => sum + w * encoded[row * COLUMNS + j]!, 0n);
    return Number(sum) / 2 ** 30;
  });
  assert.deepEqual(outputs.label, { datatype: "BYTES", shape: [2], data: scores.map((s) => (s > 0 ? "yes" : "no")) });
  const p = scores.flatMap((s) => [1 / (1 + Math.exp(2 * s)), 1 / (1 + Math.exp(-2 * s))]);
  assert.equal(outputs.p!.shape.join(), "2,2");
  p.forEach((x, i) => assert(Math.abs(x - Number(outputs.p!.data[i])) < 1e-7));
  assert.equal(rounds, 2);
  assert(bytesUp > 600 && bytesDown > 100);
  assert.equal(model.assurance, "no two parties collude");
  assert.equal(model.bound, 0.001);
});

test("many rows go in several chunks, and none is masked twice", async () => {
  const parties = new Parties();
  const model = connect(deployment(manifest()), { fetch: fetchTo(parties.answer) });
  const layout = { bundle: bytes(""), protect: "both", k: K, encodedBits: 22, columns: 4, scores: 1, answerBits: K } as const;
  const full = chunkRows({ ...layout, mostRows: Infinity });
  const rows = full + 3;
  const x = Float32Array.from({ length: 3 * rows }, (_, i) => (i % 5) - 2);
  const { outputs } = await model.outputs({ x });
  assert.equal(outputs.label!.data.length, rows);
  assert.deepEqual(parties.rows.map((part) => part.length), [full * 4, 3 * 4]);
  const bad = x.slice();
  bad[3 * rows - 3] = 1000;
  const before = parties.rows.length;
  await assert.rejects(model.outputs({ x: bad }), code("E105", `Row ${rows}, feature \`age\``));
  assert.equal(parties.rows.length, before);
});

test("where one chunk fails, nothing more is sent", async () => {
  let sent = 0;
  const fetch = fetchTo(({ request }) => {
    sent++;
    const { chunk, rows, point } = read(request!);
    if (chunk === 0) return errorOf(400, "E332", "usage", "The computation ended.");
    return { answer: concat(point, new Uint8Array(packedLength(rows, K))) };
  });
  const x = new Float32Array(3 * 600_000);
  await assert.rejects(connect(deployment(manifest()), { fetch }).outputs({ x }), code("E332"));
  const before = sent;
  await new Promise((later) => setTimeout(later, 50));
  assert(sent === before && before < 30, `${before} messages, and ${sent} later`);
});

test("no rows need no party", async () => {
  const model = connect(deployment(manifest()), { fetch: fetchTo(() => assert(false) as never) });
  const { outputs } = await model.outputs({ x: [] });
  assert.deepEqual([outputs.p!.shape, outputs.p!.data.length], [[0, 2], 0]);
});

/** Asks one row of parties that answer with `change`d bytes. */
async function asked(change: (answer: Bytes, party: number) => Tensors | Response) {
  const parties = new Parties();
  const play = async (message: Tensors, url: string) => change((await parties.answer(message, url)).answer!, partyOf(url));
  return connect(deployment(manifest()), { fetch: fetchTo(play) }).outputs({ x: [1, 2, 3] });
}

test("replies that are wrong are refused, by party", async () => {
  const wrong = (change: (answer: Bytes) => Tensors, ...words: string[]) =>
    assert.rejects(asked((answer, party) => (party === 1 ? change(answer) : { answer })), code("E511", "Party 1", ...words));
  await wrong((answer) => ({ other: answer }), "sent no answer");
  await wrong((answer) => ({ answer: answer.slice(0, 31) }), "sent too little");
  await wrong((answer) => ({ answer: answer.slice(0, -1) }), "an answer of another length");
  await wrong((answer) => ({ answer: concat(answer, answer.slice(-1)) }), "an answer of another length");
  await wrong((answer) => {
    answer[0]! ^= 1;
    return { answer };
  }, "answered another request than the one that was sent");
  assert.equal(packedLength(1, K), 6);
});

test("what a party says is passed on with its name, its code and whose turn it is", async () => {
  const error = await asked((answer, party) =>
    party === 2 ? errorOf(400, "E333", "refused", "The request is for another bundle.") : { answer },
  ).catch((error) => error);
  assert.equal(String(error), "E333 `party-2` answers: The request is for another bundle.");
  assert.equal(error.blame, "refused");
  const foreign = await asked((answer, party) => (party === 0 ? new Response("?", { status: 502 }) : { answer })).catch(
    (error) => error,
  );
  assert.equal(`${foreign.blame} ${foreign}`, "unreachable E307 `party-0` answers: The server gave no reason.");
});

test("who does not answer in time is named", async () => {
  const point = fetchTo(({ request }) => ({ answer: read(request!).point }));
  const never = (signal: AbortSignal) =>
    new Promise<Response>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const fetch: typeof globalThis.fetch = (url, init) =>
    partyOf(String(url)) === 1 ? never(init!.signal!) : point(url, init);
  const model = connect(deployment(manifest()), { fetch, deadlineMs: 50 });
  await assert.rejects(model.outputs({ x: [1, 2, 3] }), code("E305", "`party-1` at https://party-1.test:7101 did not answer"));
});

test("who cannot be reached is named", async () => {
  const fetch = async () => Promise.reject(new TypeError("fetch failed"));
  const model = connect(deployment(manifest()), { fetch });
  await assert.rejects(model.outputs({ x: [1, 2, 3] }), code("E304", "`party-0` at https://party-0.test:7101", "fetch failed"));
});

test("each request draws new secrets", async () => {
  const secrets: string[] = [];
  const point = fetchTo(({ request }, url) => {
    if (partyOf(url) === 0) secrets.push(hex(read(request!).secrets));
    return { answer: concat(read(request!).point, new Uint8Array(6)) };
  });
  const model = connect(deployment(manifest()), { fetch: point });
  await model.outputs({ x: [1, 2, 3] });
  await model.outputs({ x: [1, 2, 3] });
  assert.equal(new Set(secrets).size, 2);
});
