// The client tail: what the client computes on its own answer. It has no secret numbers: activations, labels, and which score goes
// where. An operation that is not here is refused before anything is asked, by its name.

import { refused } from "./errors.ts";
import { FUNCTIONS, greatest, isNorm, logSoftmax, normalize, softmax } from "./functions.ts";
import { type Port, isFloat } from "./port.ts";
import { type Variant, sound, soundLabels, unusable, variant, within } from "./sound.ts";
import type { Data, Tensor } from "./tensor.ts";

/** As the bundle has it. */
export interface TailJson {
  spread: unknown[][];
  nodes: { op: unknown; inputs: number[]; width: number; origin: { node: string } }[];
  outputs: [Port, number][];
}

/** The value of one node for some rows, row-major: numbers, whole numbers, or text. */
type Value = Float64Array<ArrayBuffer> | BigInt64Array<ArrayBuffer> | string[];

interface Node {
  width: number;
  isText: boolean;
  /** From the values of earlier nodes. */
  run: (values: Value[], rows: number) => Value;
}

const MAX_VALUES = 2 ** 20;

export class Tail {
  private readonly places: ((row: Float64Array) => number)[][];
  private readonly nodes: Node[] = [];

  constructor(
    private readonly json: TailJson,
    private readonly scores: number,
  ) {
    this.places = json.spread.map((places) => places.map((place) => spread(place, scores)));
    sound(scores <= this.places.reduce((sum, places) => sum + places.length, 0));
    sound(json.nodes.reduce((sum, node) => sum + node.width, 0) < MAX_VALUES);
    json.nodes.forEach((node, at) => this.nodes.push(this.node(node, at)));
    for (const [port, id] of json.outputs) {
      const node = this.nodes[id];
      sound(node?.width === port.width && node.isText === (port.dtype === "BYTES"));
    }
  }

  /** What the model gives, in its order. */
  get outputs(): Port[] {
    return this.json.outputs.map(([port]) => port);
  }

  /** The outputs for rows of scores. */
  finish(scores: Float64Array): Tensor[] {
    const rows = scores.length / this.scores;
    const inputs = this.places.map((places) => {
      const of = (row: number) => scores.subarray(row * this.scores, (row + 1) * this.scores);
      return Float64Array.from({ length: rows * places.length }, (_, at) =>
        places[at % places.length]!(of(Math.floor(at / places.length))),
      );
    });
    const values: Value[] = [];
    this.nodes.forEach((node, at) => values.push(inputs[at] ?? node.run(values, rows)));
    return this.json.outputs.map(([port, id]) => ({ rows, width: port.width, data: output(port, values[id]!) }));
  }

  private node({ op, inputs, width, origin }: TailJson["nodes"][number], at: number): Node {
    const form = variant<unknown>(op);
    if (form.name === "Input") {
      sound(form.value === at && inputs.length === 0 && this.places[at]?.length === width);
      return { width, isText: false, run: () => [] };
    }
    const made = operation(form, inputs, this.nodes, origin.node);
    sound(at >= this.places.length && made.width === width && width > 0);
    return made;
  }
}

/** One value of the tail's input, in terms of the scores of a row. */
function spread(place: unknown, scores: number): (row: Float64Array) => number {
  const { name, value: i } = variant<number>(place);
  if (name === "Zero") return () => 0;
  sound(within(i, 0, scores - 1));
  if (name === "Score") return (row) => row[i]!;
  if (name === "Minus") return (row) => -row[i]!;
  sound(name === "OneMinus");
  return (row) => 1 - row[i]!;
}

const KNOWN = ["Concat", "Select", "Label", "ArgMax", "Softmax", "LogSoftmax", "Normalize", "Map"];

function operation({ name, value }: Variant<unknown>, ids: number[], nodes: Node[], origin: string): Node {
  if (!KNOWN.includes(name)) throw unknown(name, origin);
  const inputs = ids.map((id) => nodes[id]!);
  sound(inputs.length > 0 && inputs.every(Boolean));
  if (name === "Concat") return concat(ids, inputs);
  const [id, { width: n, isText }] = [ids[0]!, inputs[0]!];
  sound(inputs.length === 1 && (!isText || name === "Select"));
  const grouped = () => {
    const { group } = value as { group: number };
    sound(within(group, 1, n) && n % group === 0);
    return group;
  };
  const checked = (values: Value[]) => finite(numbers(values[id]!), n, origin);
  switch (name) {
    case "Select":
      return select(id, n, isText, value as number[]);
    case "Label":
      return label(checked, n, value);
    case "ArgMax":
      return argMax(checked, n, grouped());
    case "Softmax":
      return byGroups(checked, n, grouped(), softmax);
    case "LogSoftmax":
      return byGroups(checked, n, grouped(), logSoftmax);
    case "Normalize":
      sound(isNorm(value));
      return byGroups((values) => numbers(values[id]!).slice(), n, n, (row) => normalize(value, row));
    default: {
      const f = typeof value === "string" && Object.hasOwn(FUNCTIONS, value) ? FUNCTIONS[value] : undefined;
      if (!f) throw unknown(`Map(${variant(value).name})`, origin);
      const of = value === "Sigmoid" ? checked : (values: Value[]) => numbers(values[id]!);
      return { width: n, isText: false, run: (values) => of(values).map(f) };
    }
  }
}

const unknown = (op: string, origin: string) =>
  unusable(`its last step \`${origin}\` is \`${op}\`, which this client does not compute. Ask through \`privet gateway\`.`);

function select(id: number, n: number, isText: boolean, indices: number[]): Node {
  sound(Array.isArray(indices) && indices.every((i) => within(i, 0, n - 1)));
  const run = (values: Value[]) => {
    const of = values[id]!;
    return gather(of, (of.length / n) * indices.length, (at) => {
      const row = Math.floor(at / indices.length);
      return of[row * n + indices[at % indices.length]!]!;
    });
  };
  return { width: indices.length, isText, run };
}

/** All inputs' columns side by side; of one type, or numbers. */
function concat(ids: number[], inputs: Node[]): Node {
  const width = inputs.reduce((sum, node) => sum + node.width, 0);
  const isText = inputs.every((node) => node.isText);
  sound(isText || !inputs.some((node) => node.isText));
  const from = inputs.flatMap((node, i) => Array.from({ length: node.width }, (_, j) => [i, j] as const));
  const run = (values: Value[], rows: number) => {
    const own = ids.map((id) => values[id]!);
    const whole = own.every((value) => value instanceof BigInt64Array);
    const parts = isText || whole ? own : own.map(numbers);
    return gather(parts[0]!, rows * width, (at) => {
      const [i, j] = from[at % width]!;
      return parts[i]![Math.floor(at / width) * inputs[i]!.width + j]!;
    });
  };
  return { width, isText, run };
}

/** So many values, of the type that `like` has. */
function gather(like: Value, length: number, at: (index: number) => number | bigint | string): Value {
  const source = { length };
  if (Array.isArray(like)) return Array.from(source, (_, i) => at(i) as string);
  if (like instanceof BigInt64Array) return BigInt64Array.from(Array.from(source, (_, i) => at(i) as bigint));
  return Float64Array.from(source, (_, i) => at(i) as number);
}

function label(of: (values: Value[]) => Float64Array, n: number, labels: unknown): Node {
  soundLabels(labels);
  sound(labels.length === n);
  const isText = labels.every((l) => typeof l === "string");
  const names = isText ? (labels as string[]) : BigInt64Array.from(labels.map(BigInt));
  const run = (values: Value[]) => {
    const x = of(values);
    return gather(names, x.length / n, (row) => names[greatest(x.subarray(row * n, (row + 1) * n))]!);
  };
  return { width: 1, isText, run };
}

function argMax(of: (values: Value[]) => Float64Array, n: number, group: number): Node {
  const run = (values: Value[]) => {
    const x = of(values);
    const place = (_: unknown, at: number) => BigInt(greatest(x.subarray(at * group, (at + 1) * group)));
    return BigInt64Array.from(Array.from({ length: x.length / group }, place));
  };
  return { width: n / group, isText: false, run };
}

function byGroups(
  of: (values: Value[]) => Float64Array<ArrayBuffer>,
  n: number,
  group: number,
  change: (row: Float64Array) => void,
): Node {
  const run = (values: Value[]) => {
    const x = of(values).slice();
    for (let at = 0; at < x.length; at += group) change(x.subarray(at, at + group));
    return x;
  };
  return { width: n, isText: false, run };
}

/** Past these operations nobody could see any more that a value was beyond float64: a label would come out. */
function finite(x: Float64Array<ArrayBuffer>, n: number, origin: string): Float64Array<ArrayBuffer> {
  const at = x.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return x;
  const row = Math.floor(at / n) + 1;
  throw refused("E104", `Row ${row} has a missing or infinite value where \`${origin}\` needs a number. Fill it before asking.`);
}

function numbers(value: Value): Float64Array<ArrayBuffer> {
  if (value instanceof Float64Array) return value;
  return Array.isArray(value) ? new Float64Array(value.length).fill(NaN) : Float64Array.from(value, Number);
}

/** As the output's own type has it. */
function output(port: Port, value: Value): Data {
  if (Array.isArray(value)) return value;
  if (isFloat(port)) return port.dtype === "FP64" ? numbers(value) : Float32Array.from(numbers(value));
  return value instanceof BigInt64Array ? value : BigInt64Array.from(value, saturated);
}

/** A float as a 64-bit integer, as Rust casts it. */
function saturated(x: number): bigint {
  if (Number.isNaN(x)) return 0n;
  const [least, most] = [-(2n ** 63n), 2n ** 63n - 1n];
  return x >= 2 ** 63 ? most : x < -(2 ** 63) ? least : BigInt(Math.trunc(x));
}
