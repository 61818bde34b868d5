// A model that is asked, not held.

import type { Caller } from "./caller.ts";
import type { Kind, Manifest, Reveal } from "./manifest.ts";
import type { Tally } from "./oip.ts";
import { type DataType, type Port, rowShape } from "./port.ts";
import { type ValueRange, rangesOf } from "./ranges.ts";
import { type Output, type Rows, outputOf, tensorsOf, wipeTensors } from "./tensor.ts";
import { type TrustCard, trustCard } from "./trust.ts";

export interface PortFacts {
  name: string;
  datatype: DataType;
  /** -1 for the number of rows. */
  shape: number[];
  /** What each value is, where the file says; class labels of an output. */
  columns: string[];
}

export interface Outputs {
  /** Every output of the exported model, under its own name. */
  outputs: Record<string, Output>;
  /** Bytes of request and reply bodies, all roles together. */
  bytesUp: number;
  bytesDown: number;
  /** Rounds between the roles. */
  rounds: number;
}

export class Model {
  readonly name: string;
  readonly kind: Kind;
  readonly reveal: Reveal;
  /** The proven largest error of what is revealed; `null` where the kind computes as the model is defined. */
  readonly bound: number | null;
  /** Who could see what. */
  readonly trust: TrustCard;
  readonly inputs: PortFacts[];
  readonly outputPorts: PortFacts[];

  constructor(
    private readonly manifest: Manifest,
    private readonly caller: Caller,
  ) {
    this.name = manifest.name;
    this.kind = manifest.kind;
    this.reveal = manifest.reveal;
    this.bound = caller.bound;
    this.trust = trustCard(manifest.kind, manifest.mpc?.protect);
    this.inputs = manifest.inputs.map(factsOf);
    this.outputPorts = manifest.outputs.map(factsOf);
  }

  /** What answers may be believed to have run under; an enclave's is known once one was asked. */
  get assurance(): string {
    return this.caller.assurance;
  }

  /** For each value of a row, what it may be. */
  ranges(): ValueRange[] {
    return rangesOf(this.manifest);
  }

  /** The answer for these rows, row-major by input. Rows that the plan does not cover are refused before anything is sent. */
  async outputs(rows: Rows): Promise<Outputs> {
    const { inputs, outputs: ports } = this.manifest;
    const tensors = tensorsOf(inputs, rows);
    const tally: Tally = { up: 0, down: 0 };
    try {
      const { parts, rounds } = await this.caller.answer(tensors, tensors[0]?.rows ?? 1, tally);
      const outputs = ports.map((port, at) => [port.name, outputOf(port, parts.map((part) => part[at]!))] as const);
      return { outputs: Object.fromEntries(outputs), bytesUp: tally.up, bytesDown: tally.down, rounds };
    } finally {
      wipeTensors(tensors);
    }
  }
}

function factsOf(port: Port): PortFacts {
  const { name, dtype: datatype, columns } = port;
  return { name, datatype, shape: [-1, ...rowShape(port)], columns: columns ?? [] };
}
