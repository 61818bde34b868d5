// Multi-party computation: rows are split into shares, and the three answers are added up.

import { type Bytes, equal, wipe } from "./bytes.ts";
import type { Answer, Caller } from "./caller.ts";
import { checkedRows, encodeRows } from "./encode.ts";
import { integrity } from "./errors.ts";
import { type Elements, combine } from "./fixed.ts";
import type { MpcPart } from "./manifest.ts";
import { decodeScores } from "./numbers.ts";
import { type RawTensor, type Reply, type Tally, type Transport, ask, bytesTensor } from "./oip.ts";
import { packedLength, unpack } from "./pack.ts";
import { type Range, inFlight, pieces } from "./pieces.ts";
import { type Entropy, type Layout, type Message, Request, chunkRows } from "./request.ts";
import type { Tensor } from "./tensor.ts";

export class MpcCaller implements Caller {
  readonly bound: number;
  readonly assurance = "no two parties collude";
  private readonly layout: Layout;

  constructor(
    private readonly part: MpcPart,
    bundle: Bytes,
    private readonly transport: Transport,
    private readonly entropy: Entropy,
  ) {
    const { protect, numbers, head, scores } = part;
    this.bound = numbers.bound;
    this.layout = {
      bundle,
      protect,
      k: numbers.inputRing,
      encodedBits: numbers.encodedBits,
      columns: head.columns.length,
      scores,
      answerBits: numbers.outputRing,
      mostRows: numbers.mostRows,
    };
  }

  async answer(tensors: Tensor[], rows: number, tally: Tally): Promise<Answer> {
    const ranges = pieces(rows, chunkRows(this.layout));
    const { head, numbers } = this.part;
    // All of them first, so that a bad row at the end means nothing was sent.
    for (const { from, to } of ranges) wipe(checkedRows(head, numbers.ranges, tensors, from, to));
    const request = Request.draw(this.entropy);
    try {
      const one = (range: Range, chunk: number) => this.chunk(request, tensors, range, chunk, tally);
      const answers = await inFlight(ranges, one);
      const rounds = answers.reduce((most, answer) => Math.max(most, answer.rounds), 0);
      return { parts: answers.map((answer) => answer.outputs), rounds };
    } finally {
      request.wipe();
    }
  }

  private async chunk(request: Request, tensors: Tensor[], { from, to }: Range, chunk: number, tally: Tally) {
    const { head, numbers, tail } = this.part;
    const encoded = encodeRows(head, numbers.ranges, tensors, from, to);
    const { messages, point } = await request.split(this.layout, chunk, to - from, encoded);
    try {
      const replies = await ask(this.transport, messages.map(tensorsOf), tally);
      const shares = replies.map((reply, role) => this.share(reply, role, to - from, point));
      const scores = decodeScores(numbers, combine(shares[0]!, shares[1]!, shares[2]!));
      const rounds = replies.reduce((most, reply) => Math.max(most, counted(reply, "rounds_between")), 0);
      return { outputs: tail.finish(scores), rounds };
    } finally {
      for (const { head, body } of messages) wipe(head, body);
    }
  }

  /** One party's answer share, if it belongs to this very request. */
  private share(reply: Reply, role: number, rows: number, point: Bytes): Elements {
    const wrong = (what: string) => integrity("E511", `Party ${role} ${what}. No answer was released.`);
    const { scores, answerBits } = this.layout;
    const data = reply.outputs.find((output) => output.name === "answer")?.data;
    if (!data) throw wrong("sent no answer");
    if (data.length < point.length) throw wrong("sent too little");
    if (!equal(data.subarray(0, point.length), point)) {
      throw wrong("answered another request than the one that was sent");
    }
    const packed = data.subarray(point.length);
    if (packed.length !== packedLength(rows * scores, answerBits)) throw wrong("sent an answer of another length");
    return unpack(answerBits, packed, rows * scores);
  }
}

function tensorsOf({ head, body }: Message): RawTensor[] {
  const request = bytesTensor("request", head);
  return body ? [request, bytesTensor("share", body)] : [request];
}

function counted(reply: Reply, what: string): number {
  const value = reply.parameters[what];
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : 0;
}
