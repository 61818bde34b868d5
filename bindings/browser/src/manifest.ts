// The public half of a bundle: everything that anyone involved may know.

import { fromHex, type Bytes } from "./bytes.ts";
import { PrivetError } from "./errors.ts";
import { Head, type HeadJson } from "./head.ts";
import { type Parameters, type ParametersJson, parametersOf } from "./he/parameters.ts";
import { type Numbers, numbersOf } from "./numbers.ts";
import { type Port, isSoundPort } from "./port.ts";
import { PARTIES, PROTECTS, type Protect } from "./protect.ts";
import { sound, unusable } from "./sound.ts";
import { Tail, type TailJson } from "./tail.ts";

export type Kind = "plain" | "mpc" | "tee" | "he";
export type Reveal = "score" | "probability" | "label";

export interface Manifest {
  name: string;
  /** The owner's number of this version of the model. */
  version: number;
  kind: Kind;
  reveal: Reveal;
  inputs: Port[];
  outputs: Port[];
  mpc?: MpcPart;
  tee?: TeePart;
  he?: HePart;
}

/** The part of a model served by parties, ready for use. */
export interface MpcPart {
  protect: Protect;
  numbers: Numbers;
  head: Head;
  tail: Tail;
  scores: number;
  /** Each party's one-line public key. */
  parties: string[];
}

/** The part of a model served by an enclave, as far as a client needs it. */
export interface TeePart {
  /** Salted digest of the model, which the enclave states once it has opened it. */
  model: Bytes;
  version: number;
  /** Whether only holders of the owner's token are answered. */
  wantsToken: boolean;
}

/** The part of a model served on ciphertexts, ready for use. */
export interface HePart {
  numbers: Numbers;
  parameters: Parameters;
  head: Head;
  tail: Tail;
  scores: number;
}

/** The formats that are read; 3 added the model's version. */
const OLDEST = 2;
const FORMAT = 3;

/** Reads a public half, and checks that everything in it which this client uses points at something. */
export function parseManifest(text: string): Manifest {
  try {
    return read(JSON.parse(text));
  } catch (error) {
    throw error instanceof PrivetError ? error : unusable("it is not a bundle's public half.");
  }
}

interface Json {
  format: number;
  name: string;
  version?: number;
  kind: Kind;
  reveal: Reveal;
  inputs: Port[];
  outputs: Port[];
  mpc: MpcJson | null;
  tee?: { model: unknown; version: number; tokens: unknown };
  he?: HeJson | null;
  secrets: string[];
}

interface MpcJson {
  protocol: string;
  protect: Protect;
  numbers: unknown;
  head: HeadJson;
  tail: TailJson;
  scores: number;
  parties: string[];
  /** Most rows that are computed at once, where the owner lets it be fewer than the numbers do. */
  most_rows?: number | null;
}

interface HeJson {
  plan: { k: number };
  parameters: ParametersJson;
  head: HeadJson;
  tail: TailJson;
  scores: number;
}

function read(json: Json): Manifest {
  if (!(json.format >= OLDEST && json.format <= FORMAT)) {
    const newer = json.format > FORMAT;
    const turn = newer ? "Load a newer page." : "Make it again with the program that the owner has now.";
    throw unusable(`it has format ${json.format}, this client reads ${OLDEST} to ${FORMAT}. ${turn}`);
  }
  const { name, version = 1, kind, reveal, inputs, outputs, mpc, tee, he } = json;
  sound(Number.isSafeInteger(version) && version >= 0);
  sound(typeof name === "string" && ["score", "probability", "label"].includes(reveal));
  sound(inputs.every(isSoundPort) && outputs.every(isSoundPort));
  sound(Boolean(mpc) === (kind === "mpc") && Boolean(tee) === (kind === "tee") && Boolean(he) === (kind === "he"));
  const manifest: Manifest = { name, version, kind, reveal, inputs, outputs };
  if (mpc) manifest.mpc = readMpc(mpc);
  if (he) manifest.he = readHe(he);
  const planned = manifest.mpc ?? manifest.he;
  if (planned) {
    const same = (a: Port[], b: Port[]) => JSON.stringify(a) === JSON.stringify(b);
    const { head, tail } = planned;
    sound(json.secrets.length === (mpc ? PARTIES : 1) && same(inputs, head.inputs) && same(outputs, tail.outputs));
  }
  if (tee) {
    const model = fromHex(tee.model, 32);
    sound(model && Number.isSafeInteger(tee.version));
    manifest.tee = { model, version: tee.version, wantsToken: tee.tokens !== null && tee.tokens !== undefined };
  }
  return manifest;
}

function readMpc({ protocol, protect, numbers, head, tail, scores, parties, most_rows = null }: MpcJson): MpcPart {
  if (protocol !== "replicated3") {
    throw unusable(`its protocol is \`${protocol}\`, which this client does not speak.`);
  }
  sound(PROTECTS.includes(protect) && parties.length === PARTIES && scores > 0 && head.columns.length > 0);
  sound(most_rows === null || (Number.isSafeInteger(most_rows) && most_rows > 0));
  const all = numbersOf(numbers, head.columns.length, scores);
  return {
    protect,
    numbers: { ...all, mostRows: Math.min(all.mostRows, most_rows ?? Infinity) },
    head: new Head(head),
    tail: new Tail(tail, scores),
    scores,
    parties,
  };
}

function readHe({ plan, parameters, head, tail, scores }: HeJson): HePart {
  const columns = head.columns.length;
  sound(scores > 0 && columns > 0);
  return {
    numbers: numbersOf({ linear: plan }, columns, scores),
    parameters: parametersOf(parameters, plan.k, columns, scores),
    head: new Head(head),
    tail: new Tail(tail, scores),
    scores,
  };
}
