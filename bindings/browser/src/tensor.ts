// Rows of values: from what a page has, and to and from their bytes in a call (raw, little-endian, row-major).

import { type Bytes, Reader, joined, u32, utf8, wipe } from "./bytes.ts";
import { usage } from "./errors.ts";
import { type DataType, type Port, SIZES, rowShape } from "./port.ts";

/** Whole numbers of every size are held as 64-bit ones, true and false as 1 and 0. */
export type Data = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | BigInt64Array<ArrayBuffer> | string[];

export interface Tensor {
  rows: number;
  width: number;
  data: Data;
}

/** What a page may give for one input, row-major. Nothing (`null`) is a missing value. */
export type Given = ArrayLike<number | bigint | boolean | string | null | undefined>;
export type Rows = Record<string, Given>;

/** One tensor per input of the model, in its order. Copies: what the page holds is not touched. */
export function tensorsOf(ports: Port[], rows: Rows): Tensor[] {
  for (const name of Object.keys(rows)) {
    if (!ports.some((port) => port.name === name)) throw usage("E302", `The model has no input \`${name}\`.`);
  }
  const tensors = ports.map((port) => {
    if (!Object.hasOwn(rows, port.name)) throw usage("E302", `Input \`${port.name}\` is missing.`);
    return tensorOf(port, rows[port.name]!);
  });
  const first = tensors[0]?.rows ?? 1;
  ports.forEach(({ name }, i) => {
    const own = tensors[i]!.rows;
    if (own !== first) throw usage("E101", `Input \`${name}\` has ${own} rows where the first has ${first}.`);
  });
  return tensors;
}

function tensorOf(port: Port, given: Given): Tensor {
  const { name, width } = port;
  const rows = given.length / width;
  if (!Number.isInteger(rows)) {
    throw usage("E101", `Input \`${name}\` has ${width} values per row; ${given.length} values came.`);
  }
  return { rows, width, data: dataOf(port, given) };
}

function dataOf(port: Port, given: Given): Data {
  const wrong = () => usage("E301", `Input \`${port.name}\` must be ${port.dtype}; other values came.`);
  const text = (value: Given[number]): string => {
    if (typeof value !== "string") throw wrong();
    return value;
  };
  // `Float32Array.from` would make nothing a zero.
  const number = (value: Given[number]): number => {
    if (value === null || value === undefined) return NaN;
    if (typeof value !== "number") throw wrong();
    return value;
  };
  const whole = (value: Given[number]): bigint => wholeOf(port.dtype, value) ?? fail(wrong());
  if (port.dtype === "BYTES") return Array.from(given, text);
  if (port.dtype === "FP32") return Float32Array.from(Array.from(given, number));
  if (port.dtype === "FP64") return Float64Array.from(Array.from(given, number));
  return BigInt64Array.from(Array.from(given, whole));
}

function fail(error: Error): never {
  throw error;
}

/** A whole number that the type has; no fraction is cut off, and nothing wraps. */
function wholeOf(dtype: DataType, value: Given[number]): bigint | undefined {
  if (typeof value === "string" || value === null || value === undefined) return undefined;
  if (typeof value === "number" && !Number.isSafeInteger(value)) return undefined;
  const whole = BigInt(value);
  if (dtype === "BOOL") return whole === 0n || whole === 1n ? whole : undefined;
  return BigInt.asIntN(dtype === "INT32" ? 32 : 64, whole) === whole ? whole : undefined;
}

/** Value `at` as float64; text has none. */
export function numberAt(data: Data, at: number): number {
  const value = data[at]!;
  return typeof value === "string" ? NaN : Number(value);
}

/** Bytes that the values take in a call, roughly: what chunks are made by. */
export function bytesOfRows(tensors: Tensor[]): number {
  const bytes = ({ data }: Tensor) =>
    Array.isArray(data) ? data.reduce((sum, text) => sum + 4 + utf8(text).length, 0) : data.byteLength;
  return tensors.reduce((sum, tensor) => sum + bytes(tensor), 0);
}

/** Some rows as `port` sends them. */
export function toBytes(port: Port, { width, data }: Tensor, from: number, to: number): Bytes {
  const values = data.slice(from * width, to * width);
  if (Array.isArray(values)) {
    return joined(values.map(utf8).flatMap((text) => [u32(text.length), text]));
  }
  if (port.dtype === "INT32") return new Uint8Array(Int32Array.from(values as BigInt64Array, Number).buffer);
  if (port.dtype === "BOOL") return Uint8Array.from(values as BigInt64Array, (value) => (value === 0n ? 0 : 1));
  return new Uint8Array(values.buffer);
}

/** The tensor of so many rows whose bytes these are, exactly. */
export function fromBytes(port: Port, rows: number, bytes: Bytes): Tensor {
  const count = rows * port.width;
  const data = port.dtype === "BYTES" ? texts(bytes, count) : numbers(port.dtype, bytes, count);
  if (!data) {
    const came = `does not fit the ${bytes.length} bytes that came`;
    throw usage("E301", `Tensor \`${port.name}\` of ${rows} rows ${came}.`);
  }
  return { rows, width: port.width, data };
}

function numbers(dtype: DataType, bytes: Bytes, count: number): Data | undefined {
  if (bytes.length !== count * SIZES[dtype]) return undefined;
  const { buffer } = bytes.slice();
  if (dtype === "FP32") return new Float32Array(buffer);
  if (dtype === "FP64") return new Float64Array(buffer);
  if (dtype === "INT64") return new BigInt64Array(buffer);
  if (dtype === "INT32") return BigInt64Array.from(Array.from(new Int32Array(buffer), BigInt));
  return BigInt64Array.from(Array.from(bytes, (byte) => (byte === 0 ? 0n : 1n)));
}

function texts(bytes: Bytes, count: number): string[] | undefined {
  const reader = new Reader(bytes);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const out: string[] = [];
  while (reader.rest.length > 0) {
    const length = reader.u32();
    const text = length === undefined ? undefined : reader.take(length);
    if (!text || out.length === count) return undefined;
    try {
      out.push(decoder.decode(text));
    } catch {
      return undefined;
    }
  }
  return out.length === count ? out : undefined;
}

/** The values of a page's own type: `INT32` as 32-bit numbers, `BOOL` as bytes. */
export type Values = Data | Int32Array | Uint8Array;

export interface Output {
  datatype: DataType;
  shape: number[];
  data: Values;
}

/** The rows of all parts, one below the other. */
export function outputOf(port: Port, parts: Tensor[]): Output {
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  return { datatype: port.dtype, shape: [rows, ...rowShape(port)], data: valuesOf(port, parts, rows) };
}

function valuesOf(port: Port, parts: Tensor[], rows: number): Values {
  if (port.dtype === "BYTES") return parts.flatMap((part) => part.data as string[]);
  const bytes = joined(parts.map((part) => toBytes(port, part, 0, part.rows)));
  const { data } = fromBytes(port, rows, bytes);
  if (port.dtype === "INT32") return Int32Array.from(data as BigInt64Array, Number);
  return port.dtype === "BOOL" ? Uint8Array.from(data as BigInt64Array, Number) : data;
}

/** Overwrites copied rows. Text cannot be: strings are the engine's. */
export function wipeTensors(tensors: Tensor[]): void {
  for (const { data } of tensors) {
    if (Array.isArray(data)) data.fill("");
    else wipe(data);
  }
}
