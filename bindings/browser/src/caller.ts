// The client side of a kind: rows in, the model's outputs out.

import type { Tally } from "./oip.ts";
import type { Tensor } from "./tensor.ts";

export interface Answer {
  /** By piece, the model's outputs in its order. */
  parts: Tensor[][];
  /** Of the role that waited most often for another one. */
  rounds: number;
}

export interface Caller {
  /** The proven largest error of what is revealed; `null` where the kind computes as the model is defined. */
  readonly bound: number | null;
  /** What replies may be believed to have run under. */
  readonly assurance: string;
  /** Nothing is sent of rows that are refused. */
  answer(tensors: Tensor[], rows: number, tally: Tally): Promise<Answer>;
}
