import assert from "node:assert/strict";
import { test } from "node:test";
import { decode, encode, powerOfTwo } from "../src/fixed.ts";
import { Head, ordinal } from "../src/head.ts";
import { connect } from "../src/index.ts";
import { code, deployment, fetchTo, manifest } from "./support.ts";

const element = (elements: Uint32Array, at: number) =>
  BigInt.asIntN(64, (BigInt(elements[2 * at + 1]!) << 32n) | BigInt(elements[2 * at]!));

test("encoding rounds to the nearest, ties to even", () => {
  const cases: [number, number, bigint][] = [
    [0.5, 1, 0n],
    [1.5, 1, 2n],
    [2.5, 1, 2n],
    [-0.5, 1, 0n],
    [-1.5, 1, -2n],
    [0.1, 2 ** 20, 104858n],
    [-0.1, 2 ** 20, -104858n],
    [1, 2 ** 50, 2n ** 50n],
    [-1, 2 ** 50, -(2n ** 50n)],
    [-0, 2 ** 50, 0n],
    [2 ** -30, 2 ** 10, 0n],
  ];
  for (const [x, scale, expected] of cases) {
    assert.equal(element(encode(Float64Array.of(x), Float64Array.of(scale)), 0), expected, `${x} times ${scale}`);
  }
});

test("decoding undoes encoding", () => {
  for (const [bits, k] of [
    [0, 43],
    [20, 43],
    [50, 64],
  ] as const) {
    const values = Float64Array.from({ length: 200 }, (_, i) => ((i - 100) * 1237) / 2 ** bits);
    const elements = encode(values, Float64Array.of(2 ** bits));
    values.forEach((x, at) => assert.equal(decode(elements, at, k, bits) + 0, x + 0));
  }
});

test("powers of two are exact", () => {
  const known = [powerOfTwo(-1074), powerOfTwo(-1022), powerOfTwo(-1), powerOfTwo(0), powerOfTwo(1023)];
  assert.deepEqual(known, [5e-324, 2.2250738585072014e-308, 0.5, 1, 2 ** 1023]);
  assert.deepEqual([powerOfTwo(-1075), powerOfTwo(1024)], [0, Infinity]);
});

test("ordinals keep the order of float32 numbers", () => {
  const numbers = [-Infinity, -3e38, -1, -2.5e-40, 0, 1e-45, 1, 1.0000001, 3e38, Infinity];
  const ordinals = numbers.map(ordinal);
  assert.deepEqual([...ordinals].sort((a, b) => a - b), ordinals);
  assert.equal(new Set(ordinals).size, numbers.length);
  assert.deepEqual([ordinal(1), ordinal(-1), ordinal(-0) + 0], [0x3f80_0000, -0x3f80_0000, 0]);
  assert(Number.isNaN(ordinal(NaN)));
});

test("columns are made from features", () => {
  const port = (name: string, dtype: "FP32" | "INT64" | "BYTES", width = 1) => ({ name, dtype, width });
  const raw = (input: number, element = 0) => ({ Raw: { input, element } });
  const head = new Head({
    inputs: [port("x", "FP32", 2), port("sex", "INT64"), port("town", "BYTES")],
    features: [raw(0), raw(0, 1), raw(1), raw(2), { Normalized: { group: 0, member: 1 } }],
    groups: [{ norm: "L2", members: [0, 1] }],
    categories: [
      { levels: [1, 2], unknown_is_zeros: false },
      { levels: ["a", "b"], unknown_is_zeros: true },
    ],
    columns: [
      { Value: { feature: 4, missing: null } },
      { Value: { feature: 0, missing: { Value: -1 } } },
      { Indicator: { feature: 0, missing: { Value: -1 } } },
      { Ordinal: { feature: 1, missing: "Nan" } },
      { Level: { feature: 2, category: 0, level: 1 } },
      { Level: { feature: 3, category: 1, level: 0 } },
    ],
  });
  const rows = [
    { rows: 3, width: 2, data: Float32Array.of(3, 4, -1, NaN, 0, 1) },
    { rows: 3, width: 1, data: BigInt64Array.of(2n, 1n, 7n) },
    { rows: 3, width: 1, data: ["a", "z", "b"] },
  ];
  const filled = Array.from(head.fill(rows, 0, 3));
  assert.deepEqual(filled.slice(0, 6), [0.8, 3, 0, ordinal(4), 1, 1]);
  assert.deepEqual(filled.slice(6, 12), [NaN, 0, 1, 0, 0, 0]);
  assert.deepEqual(filled.slice(12), [1, 0, 0, ordinal(1), NaN, 0]);
  assert.equal(head.featureOf(0).name, "normalised x[1]");
});

test("rows that the plan does not cover are refused by row and feature, and nothing is sent", async () => {
  const fetch = fetchTo(() => assert(false, "something was sent") as never);
  const model = connect(deployment(manifest()), { fetch });
  const refused = (x: ArrayLike<number | null>, ...expected: [string, ...string[]]) =>
    assert.rejects(model.outputs({ x }), code(...expected));
  await refused([1, 2, 3, 1, 2048, 3], "E105", "Row 2, feature `income` = 2.048e3 is outside the planned range ±1.024e3.");
  await refused([-128.5, 2, 3], "E105", "Row 1, feature `age` = -1.285e2 is outside the planned range ±1.28e2.");
  await refused([NaN, 2, 3], "E104", "Row 1, feature `age` is missing or not finite");
  await refused([null, 2, 3], "E104", "Row 1, feature `age`");
  await refused([1, Infinity, 3], "E104", "feature `income`");
  await refused([1, 2], "E101", "Input `x` has 3 values per row; 2 values came.");
  await assert.rejects(model.outputs({ y: [1, 2, 3] }), code("E302", "The model has no input `y`."));
  await assert.rejects(model.outputs({}), code("E302", "Input `x` is missing."));
  await assert.rejects(model.outputs({ x: ["1", "2", "3"] }), code("E301", "Input `x` must be FP32"));
});

test("what a form needs is told", () => {
  const model = connect(deployment(manifest()));
  const input = "x";
  assert.deepEqual(model.ranges(), [
    { name: "age", input, element: 0, low: -128, high: 128, whole: false, missing: false },
    { name: "income", input, element: 1, low: -1024, high: 1024, whole: false, missing: false },
    { name: "debt", input, element: 2, low: -1024, high: 1024, whole: false, missing: true },
  ]);
});
