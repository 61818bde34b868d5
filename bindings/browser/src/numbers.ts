// The numbers of a model that parties run, as far as the client needs them: of a linear one, or of a program.

import type { Ranges } from "./encode.ts";
import { type Elements, decode, powerOfTwo } from "./fixed.ts";
import { sound, variant, within } from "./sound.ts";

export interface Numbers {
  /** Proven: nothing that is revealed of an accepted input is wrong by more than this. */
  bound: number;
  /** Bits of the ring in which rows are shared. */
  inputRing: number;
  /** Bits of an element of an answer. */
  outputRing: number;
  /** Bits of an encoded value, sign included. */
  encodedBits: number;
  mostRows: number;
  ranges: Ranges;
  /** By score of a row, its fraction bits. */
  fractions: number[];
}

export function numbersOf(json: unknown, columns: number, scores: number): Numbers {
  const { name, value } = variant<Plan & Program>(json);
  sound(name === "linear" || name === "program");
  sound(Number.isFinite(value.accuracy) && value.bound > 0 && value.bound <= value.accuracy);
  return name === "linear" ? ofPlan(value, columns, scores) : ofProgram(value, columns, scores);
}

/** What elements of an answer say. */
export function decodeScores({ outputRing, fractions }: Numbers, elements: Elements): Float64Array {
  return Float64Array.from({ length: elements.length / 2 }, (_, at) =>
    decode(elements, at, outputRing, fractions[at % fractions.length]!),
  );
}

interface Plan {
  accuracy: number;
  bound: number;
  k: number;
  input_bits: number;
  weight_bits: number;
  range_exponents: number[];
}

function ofPlan(plan: Plan, columns: number, scores: number): Numbers {
  const { k, input_bits, weight_bits, range_exponents: exponents } = plan;
  sound(within(k, 1, 64) && within(input_bits, 1, 50) && within(weight_bits, 0, 900) && input_bits + 2 <= k);
  sound(exponents.length === columns && exponents.every((e) => within(e, -500, 500)));
  const high = Float64Array.from(exponents, powerOfTwo);
  const ranges = {
    scales: Float64Array.from(exponents, (e) => powerOfTwo(input_bits - e)),
    low: high.map((x) => -x),
    high,
  };
  const fractions = new Array<number>(scores).fill(input_bits + weight_bits);
  const encodedBits = input_bits + 2;
  return { bound: plan.bound, inputRing: k, outputRing: k, encodedBits, mostRows: Infinity, ranges, fractions };
}

type Floor = "opposite" | "zero" | { power: number };

interface Program {
  accuracy: number;
  bound: number;
  columns: { exponent: number; floor?: Floor; scale: number }[];
  steps: { action: unknown; width: number }[];
  numbers: { fraction: number; ring: number }[];
  shown: { step: number; indices: number[] }[];
}

/** Values per row that a party may hold at a time, over all rows of a chunk. */
const VALUES_PER_CHUNK = 2 ** 22;

function ofProgram(program: Program, columns: number, scores: number): Numbers {
  checkProgram(program, columns);
  const { steps, numbers, shown } = program;
  const rings = steps.flatMap(({ action }, at) => (variant(action).name === "Columns" ? [numbers[at]!.ring] : []));
  const outputRing = most(shown.map(({ step }) => numbers[step]!.ring));
  const fraction = (step: number) => numbers[step]!.fraction + outputRing - numbers[step]!.ring;
  const fractions = shown.flatMap(({ step, indices }) => indices.map(() => fraction(step)));
  sound(fractions.length === scores);
  const high = Float64Array.from(program.columns, (c) => powerOfTwo(c.exponent));
  const ranges = {
    scales: Float64Array.from(program.columns, (c) => powerOfTwo(c.scale)),
    low: Float64Array.from(program.columns, (c, j) => lowest(c.floor ?? "opposite", high[j]!)),
    high,
  };
  return {
    bound: program.bound,
    inputRing: most(rings),
    outputRing,
    encodedBits: most(program.columns.map((c) => c.exponent + c.scale + 2)),
    mostRows: Math.max(Math.floor(VALUES_PER_CHUNK / most(steps.map(room))), 1),
    ranges,
    fractions,
  };
}

function checkProgram({ columns, steps, numbers, shown }: Program, expected: number): void {
  sound(columns.length === expected && numbers.length === steps.length && shown.length > 0);
  sound(columns.every((c) => within(c.exponent, -500, 500) && within(c.exponent + c.scale + 2, -600, 52)));
  sound(numbers.every((n) => within(n.ring, 1, 64) && within(n.fraction, 0, 63)));
  sound(steps.every((step) => within(step.width, 1, 2 ** 26)));
  const place = (step: number) => (i: number) => within(i, 0, steps[step]!.width - 1);
  sound(shown.every((s) => within(s.step, 0, steps.length - 1) && s.indices.length > 0 && s.indices.every(place(s.step))));
}

function lowest(floor: Floor, high: number): number {
  if (floor === "opposite") return -high;
  if (floor === "zero") return 0;
  sound(within(floor.power, -400, 500) && powerOfTwo(floor.power) <= high);
  return powerOfTwo(floor.power);
}

type Windows = number[][];

interface Sizes {
  stack: number;
  rows: number;
  inner: number;
  columns: number;
}

/** Values of a row that are held at a time while a step is done. */
function room({ action, width }: Program["steps"][number]): number {
  const { name, value } = variant<Windows & { windows: Windows } & Sizes>(action);
  const places = (windows: Windows) => Math.max(windows.reduce((sum, window) => sum + window.length, 0), width);
  if (name === "Sum" || name === "Max") return places(value);
  if (name === "Unit") return places(value.windows);
  return name === "MatMul" ? 2 * value.stack * value.rows * value.inner * value.columns : width;
}

const most = (numbers: number[]): number => numbers.reduce((a, b) => Math.max(a, b), 1);
