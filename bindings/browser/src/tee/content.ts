// What is inside a sealed message: `deploy/src/tee/content.rs` has the table. Numbers are little-endian, values as in a call.

import { type Bytes, Reader, concat, joined, u16, u32, u64, utf8, wipe } from "../bytes.ts";
import { type Blame, PrivetError, integrity, isCode } from "../errors.ts";
import type { Range } from "../pieces.ts";
import type { Port } from "../port.ts";
import { type Tensor, fromBytes, toBytes } from "../tensor.ts";

const VERSION = 1;
const [ANSWER, REFUSED] = [0, 1];
const BLAMES: Record<number, Blame> = { 2: "usage", 3: "refused", 4: "unreachable", 5: "integrity" };

export function writeRequest(ports: Port[], tensors: Tensor[], { from, to }: Range, token: string): Bytes {
  const values = ports.map((port, at) => toBytes(port, tensors[at]!, from, to));
  const shown = utf8(token);
  const fixed = concat(Uint8Array.of(VERSION), u16(shown.length), shown, u32(to - from));
  const content = joined([fixed, ...values.flatMap((bytes) => [u64(bytes.length), bytes])]);
  wipe(...values);
  return content;
}

export function readReply(content: Bytes, ports: Port[], rows: number): Tensor[] {
  const reader = new Reader(content);
  const mark = reader.take(1)?.[0];
  if (mark === REFUSED) throw refusal(reader);
  if (mark !== ANSWER) throw malformed();
  const tensors = ports.map((port) => {
    const length = reader.u64();
    const bytes = length === undefined ? undefined : reader.take(length);
    if (!bytes) throw malformed();
    return fromBytes(port, rows, bytes);
  });
  if (reader.rest.length > 0) throw malformed();
  return tensors;
}

function refusal(reader: Reader): PrivetError {
  const [blame, code] = [reader.take(1)?.[0], reader.take(4)];
  if (blame === undefined || !code) return malformed();
  const named = new TextDecoder().decode(code);
  return new PrivetError(BLAMES[blame] ?? "ours", isCode(named) ? named : "E900", new TextDecoder().decode(reader.rest));
}

const malformed = () => integrity("E510", "The enclave's answer is malformed. No answer was released.");
