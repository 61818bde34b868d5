import assert from "node:assert/strict";
import { test } from "node:test";
import type { DataType, Port } from "../src/port.ts";
import { Tail } from "../src/tail.ts";
import { code } from "./support.ts";

type Step = [op: unknown, inputs: number[], width: number];

/** A tail of one input with as many scores, and an output for each step. */
function tail(scores: number, steps: Step[], dtypes: DataType[]): Tail {
  const node = ([op, inputs, width]: Step) => ({ op, inputs, width, origin: { node: "last" } });
  const port = (at: number): Port => ({ name: `${at}`, dtype: dtypes[at]!, width: steps[at]![2] });
  const spread = [Array.from({ length: scores }, (_, i) => ({ Score: i }))];
  const nodes = [node([{ Input: 0 }, [], scores]), ...steps.map(node)];
  return new Tail({ spread, nodes, outputs: steps.map((_, at) => [port(at), at + 1]) }, scores);
}

const values = (made: Tail, scores: number[]) => made.finish(Float64Array.from(scores)).map(({ data }) => Array.from(data as any));

test("every operation is computed as models define it", () => {
  const steps: Step[] = [
    [{ Label: [7, 9, 11] }, [0], 1],
    [{ Label: ["a", "b", "c"] }, [0], 1],
    [{ ArgMax: { group: 3 } }, [0], 1],
    [{ Select: [2, 0] }, [0], 2],
    [{ Map: "Sigmoid" }, [0], 3],
    [{ Softmax: { group: 3 } }, [0], 3],
    [{ LogSoftmax: { group: 3 } }, [0], 3],
    ["Concat", [4, 0], 5],
    ["Concat", [1, 3], 2],
    [{ Normalize: "L1" }, [0], 3],
    [{ Map: "Tanh" }, [0], 3],
  ];
  const dtypes: DataType[] = ["INT64", "BYTES", "INT64", "FP64", "FP64", "FP64", "FP64", "FP64", "INT32", "FP32", "FP64"];
  const made = values(tail(3, steps, dtypes), [1, 2, 2, 0, -1, -3]);
  assert.deepEqual(made[0], [9n, 7n]);
  assert.deepEqual(made[1], ["b", "a"]);
  assert.deepEqual(made[2], [1n, 0n]);
  assert.deepEqual(made[3], [2, 1, -3, 0]);
  const near = (got: unknown[], expected: number[]) =>
    expected.forEach((x, i) => assert(Math.abs((got[i] as number) - x) < 1e-15, `${got[i]} ${x}`));
  near(made[4]!.slice(0, 2), [1 / (1 + Math.exp(-1)), 1 / (1 + Math.exp(-2))]);
  const total = 1 + 1 + Math.exp(-1);
  near(made[5]!.slice(0, 3), [Math.exp(-1) / total, 1 / total, 1 / total]);
  near(made[6]!.slice(0, 3), [-1 - Math.log(total), -Math.log(total), -Math.log(total)]);
  assert.deepEqual(made[7], [2, 1, 1, 2, 2, -3, 0, 0, -1, -3]);
  assert.deepEqual(made[8], [9n, 1n, 7n, 0n]);
  assert.deepEqual(made[9], [0.2, 0.4, 0.4, 0, -0.25, -0.75].map(Math.fround));
  near(made[10]!, [Math.tanh(1)]);
});

test("an operation that is not here is refused by its name", () => {
  const refused = (op: unknown, name: string) =>
    assert.throws(() => tail(2, [[op, [0], 2]], ["FP64"]), code("E231", name, "`last`", "privet gateway"));
  refused({ Map: "Gelu" }, "Map(Gelu)");
  refused({ Map: { LeakyRelu: 0.1 } }, "Map(LeakyRelu)");
  refused({ Affine: { scale: [1, 1], shift: [0, 0] } }, "Affine");
  refused({ Map: "constructor" }, "Map(constructor)");
  refused("Add", "Add");
  refused({ MatMul: { stack: 1, rows: 1, inner: 1, columns: 1 } }, "MatMul");
});

test("what does not fit together is refused", () => {
  const refused = (steps: Step[], dtypes: DataType[] = ["FP64"]) =>
    assert.throws(() => tail(2, steps, dtypes), code("E231"));
  refused([[{ Select: [2] }, [0], 1]]);
  refused([[{ Softmax: { group: 3 } }, [0], 2]]);
  refused([[{ Label: [1, 2, 3] }, [0], 1]], ["INT64"]);
  refused([[{ Label: [1, 2] }, [5], 1]], ["INT64"]);
  refused([[{ Label: ["a", "b"] }, [0], 1]], ["FP64"]);
  refused([[{ Label: [1, 2 ** 53] }, [0], 1]], ["INT64"]);
  refused([[{ Map: "Sigmoid" }, [0], 3]]);
});

test("no label comes out of what is not a number", () => {
  const made = tail(2, [[{ Label: [1, 2] }, [0], 1]], ["INT64"]);
  assert.throws(() => values(made, [0, 1, Infinity, 0]), code("E104", "Row 2", "`last`"));
});
