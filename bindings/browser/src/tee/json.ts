// JSON from outside, read strictly: a field that is not known is an error, as is one that is missing.

import { type Bytes, fromBase64, fromHex } from "../bytes.ts";

export type Fields = Record<string, unknown>;

/** What came does not have its form; the sentence says where. */
export class Malformed extends Error {}

export function fields(value: unknown, required: string[], optional: string[] = []): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Malformed("an object is missing");
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing) throw new Malformed(`missing field \`${missing}\``);
  const unknown = Object.keys(value).find((name) => !required.includes(name) && !optional.includes(name));
  if (unknown) throw new Malformed(`unknown field \`${unknown}\``);
  return value as Fields;
}

export function parseFields(bytes: Bytes | string, required: string[], optional: string[] = []): Fields {
  const text = typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Malformed("it is not JSON");
  }
  return fields(value, required, optional);
}

export function bytesOf(value: unknown, length: number): Bytes {
  const bytes = fromHex(value, length);
  if (!bytes) throw new Malformed(`expected ${2 * length} hexadecimal digits`);
  return bytes;
}

export function blob(value: unknown): Bytes {
  const bytes = fromBase64(value);
  if (!bytes) throw new Malformed("expected base64");
  return bytes;
}

export function wholeNumber(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new Malformed("expected a whole number");
  return value as number;
}

export function text(value: unknown): string {
  if (typeof value !== "string") throw new Malformed("expected text");
  return value;
}

export function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Malformed("expected a list");
  return value;
}
