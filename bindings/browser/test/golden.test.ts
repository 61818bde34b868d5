// What the Rust client sends and understands, byte by byte. The files are written by its own test.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { hex } from "../src/bytes.ts";
import { type Deployment, connect } from "../src/index.ts";
import type { Values } from "../src/tensor.ts";
import { bytes, deployment, entropyOf, fetchTo, file, partyOf } from "./support.ts";

interface Tensor {
  datatype: string;
  shape: number[];
  data: (number | string | boolean)[];
}

interface Golden {
  kind: "mpc";
  public: string;
  digest: string;
  rows: Record<string, Tensor>;
  entropy: string;
  messages: { head: string; body: string | null }[];
  answers: string[];
  outputs: Record<string, Tensor>;
}

const folder = file("golden/");

test("there are golden files", () => assert(names().length > 10));

for (const name of names()) {
  test(`golden ${name}`, () => check(JSON.parse(readFileSync(file(`golden/${name}`), "utf8"))));
}

function names(): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(".json"));
}

async function check(golden: Golden): Promise<void> {
  const asked: Deployment = { ...deployment(JSON.parse(golden.public)), public: golden.public, digest: golden.digest };
  const sent: Golden["messages"] = [];
  const fetch = fetchTo(({ request, share }, url) => {
    const party = partyOf(url);
    assert(sent[party] === undefined, "one message for each party");
    sent[party] = { head: hex(request!), body: share ? hex(share) : null };
    return { answer: bytes(golden.answers[party]!) };
  });
  const model = connect(asked, { fetch, dangerousEntropyForTests: entropyOf(golden.entropy) });
  const rows = Object.entries(golden.rows).map(([name, tensor]) => [name, given(tensor)]);
  const { outputs } = await model.outputs(Object.fromEntries(rows));
  assert.deepEqual(sent, golden.messages);
  assert.deepEqual(Object.keys(outputs).sort(), Object.keys(golden.outputs).sort());
  for (const [name, expected] of Object.entries(golden.outputs)) {
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

