// What the Rust client sends and understands, byte by byte. The files are written by its own test.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { type Bytes, hex } from "../src/bytes.ts";
import { digest } from "../src/commitment.ts";
import { type Deployment, connect } from "../src/index.ts";
import type { Output, Values } from "../src/tensor.ts";
import { bytes, deployment, entropyOf, fetchTo, file, partyOf } from "./support.ts";

interface Tensor {
  datatype: string;
  shape: number[];
  data: (number | string | boolean)[];
}

type Named = Record<string, Tensor>;

interface Golden {
  kind: "mpc";
  public: string;
  digest: string;
  rows: Named;
  entropy: string;
  messages: { head: string; body: string | null }[];
  answers: string[];
  outputs: Named;
}

interface GoldenHe {
  kind: "he";
  public: string;
  digest: string;
  entropy: string;
  /** One after the other; of each tensor that is long, its digest. */
  questions: { rows: Named; message: Record<string, string>; outputs: Named }[];
}

const folder = file("golden/");

test("there are golden files", () => assert(names().length > 10));

for (const name of names()) {
  const golden: Golden | GoldenHe = JSON.parse(readFileSync(file(`golden/${name}`), "utf8"));
  test(`golden ${name}`, () => (golden.kind === "he" ? checkHe(golden, name) : check(golden)));
}

function names(): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(".json"));
}

async function check(golden: Golden): Promise<void> {
  const sent: Golden["messages"] = [];
  const fetch = fetchTo(({ request, share }, url) => {
    const party = partyOf(url);
    assert(sent[party] === undefined, "one message for each party");
    sent[party] = { head: hex(request!), body: share ? hex(share) : null };
    return { answer: bytes(golden.answers[party]!) };
  });
  const { outputs } = await opened(golden, fetch).outputs(rowsOf(golden.rows));
  assert.deepEqual(sent, golden.messages);
  compare(outputs, golden.outputs);
}

async function checkHe(golden: GoldenHe, name: string): Promise<void> {
  const shown = (data: Bytes) => hex(data.length > 1000 ? digest(data) : data);
  const sent: GoldenHe["questions"][number]["message"][] = [];
  const fetch = fetchTo((message) => {
    const answer = readFileSync(file(`golden/${name.replace(".json", `-${sent.length}.bin`)}`)).slice();
    sent.push(Object.fromEntries(Object.entries(message).map(([name, data]) => [name, shown(data)])));
    return { answer };
  });
  const model = opened(golden, fetch);
  for (const [at, { rows, message, outputs }] of golden.questions.entries()) {
    const got = await model.outputs(rowsOf(rows));
    assert.deepEqual(sent[at], message);
    compare(got.outputs, outputs);
  }
}

function opened(golden: Golden | GoldenHe, fetch: typeof globalThis.fetch) {
  const asked: Deployment = { ...deployment(JSON.parse(golden.public)), public: golden.public, digest: golden.digest };
  return connect(asked, { fetch, dangerousEntropyForTests: entropyOf(golden.entropy) });
}

const rowsOf = (rows: Named) => Object.fromEntries(Object.entries(rows).map(([name, tensor]) => [name, given(tensor)]));

function compare(outputs: Record<string, Output>, all: Named): void {
  assert.deepEqual(Object.keys(outputs).sort(), Object.keys(all).sort());
  for (const [name, expected] of Object.entries(all)) {
    const { datatype, shape, data } = outputs[name]!;
    assert.deepEqual({ datatype, shape }, { datatype: expected.datatype, shape: expected.shape });
    assert.equal(data.length, expected.data.length);
    expected.data.forEach((value, at) => same(datatype, data, at, value, `${name}[${at}]`));
  }
}

/** Values that JSON has no words for are texts. */
function given({ datatype, data }: Tensor): (number | string)[] {
  return datatype === "BYTES" ? (data as string[]) : data.map(Number);
}

/** Labels are the same. Activations may differ in the last place, as `exp` is not the same in every library. */
function same(datatype: string, data: Values, at: number, value: number | string | boolean, where: string): void {
  if (datatype === "BYTES") return assert.equal(data[at], value, where);
  const [got, expected] = [Number(data[at]), Number(value)];
  const unit = datatype === "FP32" ? 2 ** -23 : datatype === "FP64" ? 2 ** -50 : 0;
  const near = Object.is(got, expected) || Math.abs(got - expected) <= unit * Math.max(Math.abs(expected), 2 ** -60);
  assert(near, `${where}: ${got} where ${expected} is expected`);
}

