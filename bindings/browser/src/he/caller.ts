// Linear models on ciphertexts: rows are encrypted under a key of the page's own, and scores decrypted.

import { type Bytes, equal, joined, wipe } from "../bytes.ts";
import type { Answer, Caller } from "../caller.ts";
import { digest } from "../commitment.ts";
import { checkedRows, encodeRows } from "../encode.ts";
import { PrivetError, integrity } from "../errors.ts";
import type { Elements } from "../fixed.ts";
import type { HePart } from "../manifest.ts";
import { decodeScores } from "../numbers.ts";
import { type Reply, type Tally, type Transport, ask, bytesTensor } from "../oip.ts";
import { type Range, inFlight, pieces } from "../pieces.ts";
import type { Entropy } from "../request.ts";
import type { Tensor } from "../tensor.ts";
import { type OwnKey, Keys } from "./keys.ts";
import { elementsOf } from "./modulus.ts";
import { Packing } from "./packing.ts";
import { ANSWERS_PER_KEY } from "./parameters.ts";
import { Ring } from "./ring.ts";
import { headOf } from "./wire.ts";

/** Ciphertexts of one call: few enough that the server works on the first while the page encrypts the next. */
const CIPHERTEXTS_PER_CALL = 3;
/** The server does not know the key: asked again with it, the rows encrypted anew, it helps. */
const UNKNOWN_KEY = "E361";

export class HeCaller implements Caller {
  readonly bound: number;
  readonly assurance = "ciphertexts only";
  private readonly keys: Keys;

  constructor(
    private readonly part: HePart,
    private readonly bundle: Bytes,
    private readonly transport: Transport,
    private readonly entropy: Entropy,
  ) {
    this.bound = part.numbers.bound;
    this.keys = new Keys(new Ring(part.parameters), bundle, entropy);
  }

  async answer(tensors: Tensor[], rows: number, tally: Tally): Promise<Answer> {
    const { head, numbers, scores, parameters } = this.part;
    const most = Math.min(CIPHERTEXTS_PER_CALL * parameters.rows, Math.floor(ANSWERS_PER_KEY / scores));
    const ranges = pieces(rows, most);
    // All of them first, so that a bad row at the end means nothing was sent.
    for (const { from, to } of ranges) wipe(checkedRows(head, numbers.ranges, tensors, from, to));
    return { parts: await inFlight(ranges, (range) => this.piece(tensors, range, tally)), rounds: 0 };
  }

  private async piece(tensors: Tensor[], range: Range, tally: Tally): Promise<Tensor[]> {
    const { scores, parameters, head } = this.part;
    const rows = range.to - range.from;
    const packing = new Packing(parameters, head.columns.length, scores, rows);
    let refusing: OwnKey | undefined;
    const once = (own: OwnKey, first: number) => {
      refusing = own;
      return this.over(own, first, packing, tensors, range, tally);
    };
    const ask = () => this.keys.with(packing.ciphertexts.length, rows * scores, once);
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof PrivetError && error.code === UNKNOWN_KEY && refusing)) throw error;
      refusing.known = false;
      return ask();
    }
  }

  private async over(own: OwnKey, first: number, packing: Packing, tensors: Tensor[], range: Range, tally: Tally) {
    const { key, id, known } = own;
    const sent: Bytes[] = [];
    for (const [at, of] of packing.ciphertexts.entries()) {
      const plaintext = this.plaintext(packing, tensors, range.from + of.from, range.from + of.to);
      sent.push(await key.encrypt(first + at, plaintext, this.entropy));
    }
    const head = headOf({ rows: range.to - range.from, first, bundle: this.bundle, seed: key.seed.seed, id });
    const message = [
      bytesTensor("request", head),
      ...(known ? [] : [bytesTensor("key", key.encryptionOfZero)]),
      bytesTensor("ciphertexts", joined(sent)),
    ];
    const [reply] = await ask(this.transport, [message], tally);
    const scores = this.scores(own, packing, reply!, digest(head));
    own.known = true;
    const outputs = this.part.tail.finish(decodeScores(this.part.numbers, scores));
    wipe(scores);
    return outputs;
  }

  /** The plaintexts of some consecutive rows, each at its place. */
  private plaintext(packing: Packing, tensors: Tensor[], from: number, to: number): Elements {
    const { head, numbers, parameters } = this.part;
    const encoded = encodeRows(head, numbers.ranges, tensors, from, to);
    const words = 2 * head.columns.length;
    const plaintext = new Uint32Array(2 * parameters.degree);
    for (let row = 0; row < to - from; row++) {
      plaintext.set(encoded.subarray(row * words, (row + 1) * words), 2 * packing.place(row));
    }
    wipe(encoded);
    return plaintext;
  }

  /** The scores of all rows, if they answer this very question. */
  private scores({ key }: OwnKey, packing: Packing, reply: Reply, expected: Bytes): Elements {
    const wrong = (what: string) => integrity("E512", `The server ${what}. No answer was released.`);
    const data = reply.outputs.find((output) => output.name === "answer")?.data;
    if (!data) throw wrong("sent no answer");
    if (data.length < expected.length) throw wrong("sent too little");
    if (!equal(data.subarray(0, expected.length), expected)) {
      throw wrong("answered another question than the one that was asked");
    }
    const lengths = packing.ciphertexts.map(({ from, to }) => key.answerBytes(packing, to - from));
    const all = lengths.reduce((sum, length) => sum + length, expected.length);
    if (data.length !== all) throw wrong("sent an answer of another length");
    let at = expected.length;
    const rows = packing.ciphertexts.flatMap(({ from, to }, i) => {
      const products = key.decrypt(packing, to - from, data.subarray(at, (at += lengths[i]!)));
      return byRow(packing, to - from, products);
    });
    return elementsOf(rows);
  }
}

/** Scores by row, from those of each product by row. */
function byRow({ scoresInOne: n }: Packing, rows: number, products: bigint[][]): bigint[] {
  const row = (_: unknown, at: number) => products.flatMap((product) => product.slice(at * n, (at + 1) * n));
  return Array.from({ length: rows }, row).flat();
}
