// The baseline: the server gets the rows and has the model.

import type { Answer, Caller } from "./caller.ts";
import { integrity, usage } from "./errors.ts";
import { type RawTensor, type Reply, type Tally, type Transport, ask } from "./oip.ts";
import { type Range, chunksOf, inFlight } from "./pieces.ts";
import { type Port, rowShape } from "./port.ts";
import { type Tensor, bytesOfRows, fromBytes, toBytes } from "./tensor.ts";

export class PlainCaller implements Caller {
  readonly bound = null;
  readonly assurance = "none";

  constructor(
    private readonly inputs: Port[],
    private readonly outputs: Port[],
    private readonly transport: Transport,
  ) {}

  async answer(tensors: Tensor[], rows: number, tally: Tally): Promise<Answer> {
    const one = async ({ from, to }: Range) => {
      const message = this.inputs.map((port, at) => rawOf(port, tensors[at]!, from, to));
      const [reply] = await ask(this.transport, [message], tally);
      return this.outputs.map((port) => outputOf(port, reply!, to - from));
    };
    return { parts: await inFlight(chunksOf(rows, bytesOfRows(tensors)), one), rounds: 0 };
  }
}

function rawOf(port: Port, tensor: Tensor, from: number, to: number): RawTensor {
  const { name, dtype: datatype } = port;
  return { name, datatype, shape: [to - from, ...rowShape(port)], data: toBytes(port, tensor, from, to) };
}

function outputOf(port: Port, reply: Reply, rows: number): Tensor {
  const { name, dtype } = port;
  const raw = reply.outputs.find((output) => output.name === name);
  if (!raw) throw integrity("E510", `The server left out output \`${name}\`.`);
  if (raw.datatype !== dtype) {
    throw usage("E301", `Tensor \`${name}\` must be ${dtype}; it came as ${raw.datatype}.`);
  }
  const came = rowsOf(port, raw.shape);
  if (came === rows) return fromBytes(port, rows, raw.data);
  const what = `Output \`${name}\` came for ${came} rows where ${rows} were asked about.`;
  throw integrity("E510", what);
}

/** Accepts `[rows, width]`, and the port's own dimensions where there are more; for one value per row also `[rows]`. */
function rowsOf(port: Port, [rows, ...dims]: number[]): number {
  const own = rowShape(port);
  const is = (shape: number[]) => shape.length === dims.length && shape.every((size, i) => size === dims[i]);
  if (rows !== undefined && (is([port.width]) || is(own) || (port.width === 1 && is([])))) return rows;
  const expected = ["rows", ...own].join(", ");
  const got = [rows ?? "", ...dims].join(", ");
  throw usage("E301", `Tensor \`${port.name}\` must have shape [${expected}]; it came as [${got}].`);
}
