// The Open Inference Protocol v2 over REST, with the binary tensor extension: JSON, and behind it the raw values of each tensor.

import { type Bytes, joined, utf8, wipe } from "./bytes.ts";
import { PrivetError, integrity, isBlame, isCode, unreachable, usage } from "./errors.ts";
import { type Blame } from "./errors.ts";

/** One tensor of a call; `data` is raw, little-endian, row-major. */
export interface RawTensor {
  name: string;
  datatype: string;
  shape: number[];
  data: Bytes;
}

export interface Reply {
  parameters: Record<string, unknown>;
  outputs: RawTensor[];
}

/** Bytes of bodies, without HTTP's own and TLS. */
export interface Tally {
  up: number;
  down: number;
}

export interface Role {
  name: string;
  url: string;
}

/** What every call of a deployment shares. */
export interface Transport {
  model: string;
  version: number;
  roles: Role[];
  fetch: typeof fetch;
  deadlineMs: number;
}

export const bytesTensor = (name: string, data: Bytes): RawTensor => ({
  name,
  datatype: "UINT8",
  shape: [data.length],
  data,
});

const MOST_BYTES = 64 * 2 ** 20;
const HEADER = "Inference-Header-Content-Length";

/** One message to each role at once, and their replies. The first failure ends the other calls. */
export async function ask(transport: Transport, messages: RawTensor[][], tally: Tally): Promise<Reply[]> {
  const stop = new AbortController();
  const call = { stop: stop.signal, late: false, tally };
  const timer = setTimeout(() => {
    call.late = true;
    stop.abort();
  }, transport.deadlineMs);
  try {
    return await Promise.all(transport.roles.map((role, at) => infer(transport, role, messages[at]!, call)));
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

interface Call {
  stop: AbortSignal;
  late: boolean;
  tally: Tally;
}

async function infer(transport: Transport, role: Role, inputs: RawTensor[], call: Call): Promise<Reply> {
  const { json, body } = encodeRequest(inputs);
  if (body.length > MOST_BYTES) {
    const what = `The request has ${body.length} bytes; at most ${MOST_BYTES} can be sent at once.`;
    throw usage("E155", `${what} Send fewer rows at a time.`);
  }
  call.tally.up += body.length;
  try {
    const response = await send(transport, role, body, json, call);
    const bytes = new Uint8Array(await response.arrayBuffer());
    call.tally.down += bytes.length;
    if (!response.ok) throw said(role, response.status, bytes);
    return decodeReply(bytes, response.headers.get(HEADER));
  } catch (error) {
    throw error instanceof PrivetError ? error : lost(role, call.late, error);
  } finally {
    // It held seeds or shares, and `fetch` has a copy of its own.
    wipe(body);
  }
}

function send(transport: Transport, role: Role, body: Bytes, json: number, call: Call): Promise<Response> {
  const path = `/v2/models/${encodeURIComponent(transport.model)}/versions/${transport.version}/infer`;
  return transport.fetch(new URL(path, role.url).href, {
    method: "POST",
    headers: { "Content-Type": "application/octet-stream", [HEADER]: String(json) },
    body,
    signal: call.stop,
    // A share is for one party: no server may send it on to another one.
    redirect: "error",
    credentials: "omit",
    cache: "no-store",
    referrerPolicy: "no-referrer",
  });
}

/** The body, and how much of it is JSON. */
export function encodeRequest(inputs: RawTensor[]): { json: number; body: Bytes } {
  const named = inputs.map(({ name, datatype, shape, data }) => {
    return { name, datatype, shape, parameters: { binary_data_size: data.length } };
  });
  const head = utf8(JSON.stringify({ inputs: named, parameters: { binary_data_output: true } }));
  return { json: head.length, body: joined([head, ...inputs.map((input) => input.data)]) };
}

interface ReplyJson {
  parameters?: Record<string, unknown>;
  outputs: { name: string; datatype: string; shape: number[]; parameters?: { binary_data_size?: number } }[];
}

/** Every size is held against what is present. */
export function decodeReply(bytes: Bytes, header: string | null): Reply {
  const json = header === null ? bytes.length : /^[0-9]{1,9}$/.test(header) ? Number(header) : Infinity;
  if (json > bytes.length || bytes.length > MOST_BYTES) throw malformed();
  let at = json;
  const take = (size: unknown): Bytes => {
    if (!Number.isSafeInteger(size) || (size as number) < 0 || at + (size as number) > bytes.length) throw malformed();
    at += size as number;
    return bytes.subarray(at - (size as number), at);
  };
  try {
    const { parameters, outputs }: ReplyJson = JSON.parse(new TextDecoder().decode(bytes.subarray(0, json)));
    const read = outputs.map(({ name, datatype, shape, parameters }) => {
      return { name, datatype, shape: shape.map(Number), data: take(parameters?.binary_data_size) };
    });
    if (at !== bytes.length) throw malformed();
    return { parameters: parameters ?? {}, outputs: read };
  } catch {
    throw malformed();
  }
}

function malformed(): PrivetError {
  const what = "The server's reply does not fit together (its tensors' shapes, datatypes and sizes), so it was not used.";
  const check = `Check that both sides run the same version, and that the server lets pages read \`${HEADER}\`.`;
  return integrity("E306", `${what} ${check}`);
}

/** What a server said instead of an answer, with the role that said it. */
function said(role: Role, status: number, bytes: Bytes): PrivetError {
  const { error, code, blame } = errorOf(bytes);
  const known = isCode(code) ? code : "E307";
  const text = typeof error === "string" && error ? error : "The server gave no reason.";
  const sentence = text.startsWith(known) ? text.slice(known.length).trimStart() : text;
  const message = sentence.includes(role.name) ? sentence : `\`${role.name}\` answers: ${sentence}`;
  return new PrivetError(isBlame(blame) ? blame : blameOf(status), known, message);
}

function errorOf(bytes: Bytes): { error?: unknown; code?: unknown; blame?: unknown } {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}

function blameOf(status: number): Blame {
  if (status === 404) return "not_found";
  if (status < 500) return "usage";
  return status === 500 ? "ours" : "unreachable";
}

function lost(role: Role, late: boolean, error: unknown): PrivetError {
  const where = `\`${role.name}\` at ${role.url}`;
  if (late) {
    const again = "The request can be sent again, with a later deadline if the network is slow.";
    return unreachable("E305", `${where} did not answer before the deadline. ${again}`);
  }
  const why = error instanceof Error ? error.message : "the call failed";
  const check = "Check that it runs, that this browser accepts its certificate, and that it lets this page ask";
  return unreachable("E304", `${where} is not answering: ${why}. ${check}; the request can be sent again.`);
}
