// Roles that are played here, and a small bundle.

import { type Bytes, concat, hex, utf8 } from "../src/bytes.ts";
import { digest } from "../src/commitment.ts";
import type { Deployment } from "../src/deployment.ts";
import { PrivetError } from "../src/errors.ts";

/** From the tests' own folder below `build`. */
export const file = (path: string): URL => new URL(`../../${path}`, import.meta.url);

export const bytes = (text: string): Bytes =>
  Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));

/** Gives these bytes, and then no more. */
export function entropyOf(text: string): (length: number) => Bytes {
  let rest = bytes(text);
  return (length) => {
    if (rest.length < length) throw new Error("more was drawn than there is");
    const first = rest.slice(0, length);
    rest = rest.slice(length);
    return first;
  };
}

export const code = (expected: string, ...words: string[]) => (error: unknown) => {
  if (!(error instanceof PrivetError) || error.code !== expected) return false;
  return words.every((word) => error.message.includes(word));
};

/** The tensors of a call, by name. */
export type Tensors = Record<string, Bytes>;
/** A role: what it answers to a call, and with which parameters. */
export type Played = (tensors: Tensors, url: string) => Promise<Tensors | Response> | Tensors | Response;

/** `fetch` to roles that are played here. */
export function fetchTo(play: Played): typeof fetch {
  return async (url, init) => {
    const body = (init!.body as Bytes).slice();
    const length = Number(new Headers(init!.headers).get("Inference-Header-Content-Length"));
    const head = JSON.parse(new TextDecoder().decode(body.subarray(0, length)));
    let at = length;
    const tensors: Tensors = {};
    for (const { name, parameters } of head.inputs) {
      tensors[name] = body.slice(at, (at += parameters.binary_data_size));
    }
    const answer = await play(tensors, String(url));
    return answer instanceof Response ? answer : replyOf(answer);
  };
}

export function replyOf(tensors: Tensors, datatype = "UINT8", shape?: number[]): Response {
  const outputs = Object.entries(tensors).map(([name, data]) => ({
    name,
    datatype,
    shape: shape ?? [data.length],
    parameters: { binary_data_size: data.length },
  }));
  const head = utf8(JSON.stringify({ model_name: "m", outputs, parameters: { rounds_between: 2 } }));
  const headers = { "Inference-Header-Content-Length": String(head.length) };
  return new Response(concat(head, ...Object.values(tensors)), { headers });
}

export function errorOf(status: number, code: string, blame: string, message: string): Response {
  return new Response(JSON.stringify({ error: `${code} ${message}`, code, blame }), { status });
}

export const partyOf = (url: string): number => Number(/party-([0-2])/.exec(url)![1]);

const letters = (fill: number) =>
  btoa(String.fromCharCode(...new Uint8Array(64).fill(fill))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
export const PARTIES = [1, 2, 3].map((fill, i) => `privet1 party-${i} ${letters(fill)}`);

export const PORT = { name: "x", dtype: "FP32", width: 3, flat: false, columns: ["age", "income", "debt"] };
const node = (op: unknown, inputs: number[], width: number) => ({ op, inputs, width, origin: { node: "n", op: "o" } });

/** Three features and two classes; with one score, whose bits are few enough to be worked out by hand. */
export function manifest(protect = "both"): any {
  const outputs = [
    { name: "label", dtype: "BYTES", width: 1, flat: true },
    { name: "p", dtype: "FP32", width: 2, flat: false },
  ];
  const raw = (element: number) => ({ Raw: { input: 0, element } });
  return {
    format: 2,
    id: "00",
    name: "m",
    kind: "mpc",
    reveal: "score",
    inputs: [PORT],
    outputs,
    mpc: {
      protocol: "replicated3",
      protect,
      numbers: {
        linear: {
          accuracy: 0.001,
          k: 43,
          input_bits: 20,
          weight_bits: 10,
          range_exponents: [7, 10, 10, 0],
          range_source: "rows",
          score_exponent: 5,
          bound: 0.001,
        },
      },
      head: {
        inputs: [PORT],
        features: [raw(0), raw(1), raw(2)],
        groups: [],
        categories: [],
        columns: [
          { Value: { feature: 0, missing: null } },
          { Value: { feature: 1, missing: null } },
          { Value: { feature: 2, missing: "Nan" } },
          { Indicator: { feature: 2, missing: "Nan" } },
        ],
      },
      tail: {
        spread: [[{ Minus: 0 }, { Score: 0 }]],
        nodes: [node({ Input: 0 }, [], 2), node({ Label: ["no", "yes"] }, [0], 1), node({ Softmax: { group: 2 } }, [0], 2)],
        outputs: [
          [outputs[0], 1],
          [outputs[1], 2],
        ],
      },
      scores: 1,
      parties: [...PARTIES],
    },
    secrets: ["", "", ""],
  };
}

/** The same on ciphertexts, in the smallest ring. */
export function manifestHe(): any {
  const { mpc, ...json } = manifest();
  const { head, tail, scores } = mpc;
  // The first is 36028797018652673, which is rounded here as in a page.
  const moduli = [2 ** 55 - 311_295, 2 ** 53 - 311_295];
  const parameters = { degree: 4096, moduli, plaintext_bits: 43, noise_bits: 0, flood_bits: 0, answer_bits: 57, rows: 8 };
  return { ...json, kind: "he", mpc: null, he: { plan: mpc.numbers.linear, parameters, head, tail, scores }, secrets: [""] };
}

export function deployment(json: any, more: Partial<Deployment> = {}): Deployment {
  const text = JSON.stringify(json);
  const names = json.kind === "mpc" ? ["party-0", "party-1", "party-2"] : ["server"];
  return {
    name: json.name,
    kind: json.kind,
    public: text,
    digest: hex(digest(utf8(text))),
    endpoints: names.map((name) => ({ name, http_url: `https://${name}.test:7101` })),
    ...more,
  };
}
