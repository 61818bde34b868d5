import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bytes, concat, u32, utf8 } from "../src/bytes.ts";
import { connect } from "../src/index.ts";
import { decodeReply, encodeRequest } from "../src/oip.ts";
import { type Tensors, code, deployment, errorOf, fetchTo, replyOf } from "./support.ts";

const port = (name: string, dtype: string, width = 1) => ({ name, dtype, width, flat: false });

function manifest(inputs: object[], outputs: object[]): any {
  return { format: 2, id: "00", name: "a b", kind: "plain", reveal: "score", inputs, outputs, mpc: null, secrets: [] };
}

const text = (...texts: string[]): Bytes => concat(...texts.map(utf8).flatMap((t) => [u32(t.length), t]));

test("tensors of every type go out and come back as they are", async () => {
  const ports = ["FP32", "FP64", "INT64", "INT32", "BOOL", "BYTES"].map((dtype) => port(dtype, dtype, 2));
  const sent: Tensors[] = [];
  const fetch: typeof globalThis.fetch = (url, init) => {
    assert.equal(String(url), "https://server.test:7101/v2/models/a%20b/versions/1/infer");
    assert.equal(init!.redirect, "error");
    return fetchTo((tensors) => (sent.push(tensors), response(tensors)))(url, init);
  };
  const response = (tensors: Tensors) => {
    const outputs = ports.map(({ name, dtype }) => ({
      name,
      datatype: dtype,
      shape: [1, 2],
      parameters: { binary_data_size: tensors[name]!.length },
    }));
    const head = utf8(JSON.stringify({ outputs }));
    const headers = { "Inference-Header-Content-Length": String(head.length) };
    return new Response(concat(head, ...ports.map(({ name }) => tensors[name]!)), { headers });
  };
  const model = connect(deployment(manifest(ports, ports)), { fetch });
  const rows = {
    FP32: [1.5, null],
    FP64: Float64Array.of(0.1, -Infinity),
    INT64: [2n ** 62n, -1],
    INT32: [-5, 2 ** 31 - 1],
    BOOL: [true, 0],
    BYTES: ["é", ""],
  };
  const { outputs } = await model.outputs(rows);
  assert.deepEqual(sent[0]!.BYTES, text("é", ""));
  assert.deepEqual(outputs.FP32!.data, Float32Array.of(1.5, NaN));
  assert.deepEqual(outputs.FP64!.data, Float64Array.of(0.1, -Infinity));
  assert.deepEqual(outputs.INT64!.data, BigInt64Array.of(2n ** 62n, -1n));
  assert.deepEqual(outputs.INT32!.data, Int32Array.of(-5, 2 ** 31 - 1));
  assert.deepEqual(outputs.BOOL!.data, Uint8Array.of(1, 0));
  assert.deepEqual(outputs.BYTES, { datatype: "BYTES", shape: [1, 2], data: ["é", ""] });
  const wrong = (more: object) => assert.rejects(model.outputs({ ...rows, ...more } as any), code("E301"));
  await wrong({ INT32: [2 ** 31, 0] });
  await wrong({ INT64: [0.5, 0] });
  await wrong({ INT64: [2 ** 53, 0] });
  await wrong({ BOOL: [2, 0] });
  await wrong({ BYTES: [1, 2] });
  await assert.rejects(model.outputs({ ...rows, BOOL: [1, 0, 1, 0] }), code("E101", "`BOOL` has 2 rows where the first has 1"));
});

const one = manifest([port("x", "FP32")], [port("y", "FP32")]);
const ask = (answer: () => Tensors | Response) => {
  const model = connect(deployment(one), { fetch: fetchTo(answer) });
  return model.outputs({ x: [1, 2] });
};

test("replies that do not fit are refused", async () => {
  const y = new Uint8Array(8);
  const refused = (answer: () => Tensors | Response, ...expected: [string, ...string[]]) =>
    assert.rejects(ask(answer), code(...expected));
  await ask(() => replyOf({ y }, "FP32", [2, 1]));
  await refused(() => replyOf({ z: y }, "FP32", [2, 1]), "E510", "left out output `y`");
  await refused(() => replyOf({ y }, "FP64", [2, 1]), "E301", "must be FP32; it came as FP64");
  await refused(() => replyOf({ y }, "FP32", [1, 1]), "E510", "came for 1 rows where 2");
  await refused(() => replyOf({ y }, "FP32", [2, 2]), "E301", "must have shape [rows, 1]; it came as [2, 2]");
  await refused(() => replyOf({ y: y.slice(1) }, "FP32", [2, 1]), "E301", "does not fit the 7 bytes");
  await refused(() => errorOf(400, "E104", "refused", "Row 2, feature `x` is missing."), "E104", "`server` answers: Row 2");
  await refused(() => errorOf(404, "E3", "strange", "?"), "E307");
});

test("every size of a reply is held against what is there", () => {
  const head = (size: unknown) => {
    const outputs = [{ name: "y", datatype: "UINT8", shape: [1], parameters: { binary_data_size: size } }];
    return utf8(JSON.stringify({ outputs }));
  };
  const reply = (size: unknown, data: Bytes, header?: string) =>
    decodeReply(concat(head(size), data), header ?? String(head(size).length));
  const data = Uint8Array.of(1, 2, 3);
  assert.deepEqual(reply(3, data).outputs[0]!.data, data);
  for (const size of [2, 4, -1, 1.5, "3", null, 2 ** 53]) assert.throws(() => reply(size, data), code("E306"));
  for (const header of ["", "-1", "1e3", "99999", "0"]) assert.throws(() => reply(3, data, header), code("E306"));
  assert.throws(() => decodeReply(concat(head(3), data), null), code("E306"));
});

test("a request is JSON and the raw bytes behind it", () => {
  const { json, body } = encodeRequest([{ name: "x", datatype: "FP32", shape: [1, 1], data: Uint8Array.of(0, 0, 128, 63) }]);
  assert.equal(
    new TextDecoder().decode(body.subarray(0, json)),
    '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,1],"parameters":{"binary_data_size":4}}],' +
      '"parameters":{"binary_data_output":true}}',
  );
  assert.deepEqual(Array.from(body.subarray(json)), [0, 0, 128, 63]);
});
