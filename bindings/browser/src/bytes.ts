// Bytes: written, compared, read from the front, wiped.

export type Bytes = Uint8Array<ArrayBuffer>;

export const utf8 = (text: string): Bytes => new TextEncoder().encode(text) as Bytes;

export const concat = (...parts: Uint8Array[]): Bytes => joined(parts);

/** The same of many. */
export function joined(parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function u16(value: number): Bytes {
  return Uint8Array.of(value & 255, value >>> 8);
}

/** Four bytes, little-endian, as every number that travels. */
export function u32(value: number): Bytes {
  const out = new Uint8Array(4);
  new DataView(out.buffer).setUint32(0, value, true);
  return out;
}

export function u64(value: number): Bytes {
  return concat(u32(value % 2 ** 32), u32(Math.floor(value / 2 ** 32)));
}

/** Looks at every byte, whatever differs first. */
export function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ (b[i] ?? 0);
  return difference === 0;
}

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function fromHex(text: unknown, length: number): Bytes | undefined {
  if (typeof text !== "string" || text.length !== 2 * length || !/^[0-9a-fA-F]*$/.test(text)) return undefined;
  return Uint8Array.from({ length }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

export function fromBase64(text: unknown): Bytes | undefined {
  if (typeof text !== "string") return undefined;
  try {
    return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  } catch {
    return undefined;
  }
}

/** What is masked, or masks, or was in the clear, is overwritten once it was used. */
export function wipe(...secrets: (ArrayBufferView<ArrayBuffer> | null)[]): void {
  for (const secret of secrets) {
    if (secret) new Uint8Array(secret.buffer, secret.byteOffset, secret.byteLength).fill(0);
  }
}

/** Reads from the front: a length only ever cuts what is there. */
export class Reader {
  constructor(public rest: Bytes) {}

  take(length: number): Bytes | undefined {
    if (length > this.rest.length) return undefined;
    const front = this.rest.subarray(0, length);
    this.rest = this.rest.subarray(length);
    return front;
  }

  u32(): number | undefined {
    const bytes = this.take(4);
    return bytes && new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  }

  u64(): number | undefined {
    const [low, high] = [this.u32(), this.u32()];
    return low === undefined || high === undefined ? undefined : high * 2 ** 32 + low;
  }
}
