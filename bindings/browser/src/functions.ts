// What a client computes of its own rows and answers, in float64, as the models are defined.

/** Functions of one number that the client may be left with. */
export const FUNCTIONS: Readonly<Record<string, (x: number) => number>> = {
  Relu: (x) => (x < 0 ? 0 : x),
  Abs: Math.abs,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Truncate: Math.trunc,
  Sigmoid: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
  Tanh: Math.tanh,
  Exp: Math.exp,
  Log: Math.log,
  Sqrt: Math.sqrt,
  Reciprocal: (x) => 1 / x,
  Square: (x) => x * x,
  Softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
};

export type Norm = "Max" | "L1" | "L2";

export const isNorm = (norm: unknown): norm is Norm => norm === "Max" || norm === "L1" || norm === "L2";

/** The row at unit length, in place; a row of length 0 stays. The largest *value* counts for `Max`, sign and all. */
export function normalize(norm: Norm, row: Float64Array): void {
  const length = norm === "Max" ? largest(row) : norm === "L1" ? sum(row, Math.abs) : Math.sqrt(sum(row, (x) => x * x));
  if (length !== 0) each(row, (x) => x / length);
}

/** In place, from the greatest, so that nothing overflows. */
export function softmax(row: Float64Array): void {
  const from = largest(row);
  each(row, (x) => Math.exp(x - from));
  const total = sum(row, (x) => x);
  each(row, (x) => x / total);
}

export function logSoftmax(row: Float64Array): void {
  const from = largest(row);
  const total = sum(row, (x) => Math.exp(x - from));
  each(row, (x) => x - (from + Math.log(total)));
}

/** The place of the greatest value, the first of equals. */
export function greatest(row: Float64Array): number {
  return row.reduce((best, x, i) => (x > row[best]! ? i : best), 0);
}

const largest = (row: Float64Array): number => row.reduce((most, x) => (x > most ? x : most), -Infinity);

const sum = (row: Float64Array, of: (x: number) => number): number => row.reduce((total, x) => total + of(x), 0);

function each(row: Float64Array, to: (x: number) => number): void {
  row.forEach((x, i) => (row[i] = to(x)));
}
