// Who could see what, and what is not protected: the sentences of `deploy/src/trust.rs`.

import type { Protect } from "./protect.ts";

/** Who, and what they see. */
export type TrustCard = (readonly [who: string, what: string])[];

export function trustCard(kind: string, protect: Protect | undefined): TrustCard {
  const lines = kind === "mpc" ? MPC[protect ?? "both"] : kind === "tee" ? TEE : kind === "he" ? HE : PLAIN;
  return [...lines, ["repeated questions", REPEATED_QUERIES]];
}

const REPEATED_QUERIES =
  "in any kind: a linear model of n weights follows from n + 1 rows and their scores (or probabilities)";

const CLIENT = ["the client", "sees its input and the answer; it does not see the model"] as const;
const CHEATING = ["a cheating party", "can change the answer unnoticed"] as const;
const HABITS = ["not protected", "how often you ask, how large a batch is, names and ranges of features"] as const;

const PLAIN: TrustCard = [
  ["the client", "sees its input and the answer"],
  ["the server", "sees the input, the model and the answer"],
];

const TEE: TrustCard = [
  CLIENT,
  ["the measured program", "sees everything; it is what the policy names, and shows nothing to its host"],
  ["the host", "sees sealed messages: how many, when, and their padded sizes"],
  ["the chip's maker", "is trusted: its keys, its patches, and that nobody extracted a key"],
  ["who can touch the machine", "is trusted: interposers on the memory bus have extracted such keys"],
  [
    "a simulated enclave",
    "is an ordinary process: its owner can read everything, and every reply says `simulated`",
  ],
  ["not protected", "against side channels that vendors have not patched; the host can refuse to serve"],
];

const HE: TrustCard = [
  [
    "the client",
    "sees its input and the answer; it does not see the model, even if it sends what is no honest ciphertext",
  ],
  [
    "the server",
    "has the model; it sees neither the input nor the answer, by the hardness of ring learning with errors",
  ],
  ["a cheating server", "can answer something else than the model's score, unnoticed"],
  [
    "whoever hands an answer back to the server",
    "may hand it any one number that it chose of this input: give scores only to whom you trust with that",
  ],
  HABITS,
];

const MPC: Record<Protect, TrustCard> = {
  both: [
    CLIENT,
    ["each party", "sees the model's shape, sizes and times; not the input, the weights or the answer"],
    ["two parties together", "see everything"],
    CHEATING,
    HABITS,
  ],
  input: [
    CLIENT,
    ["each party", "knows the model's weights; it does not see the input or the answer"],
    ["two parties together", "see no more than one; all three together see everything"],
    CHEATING,
    HABITS,
  ],
  model: [
    CLIENT,
    ["each party", "sees the input; it does not see the weights or the answer"],
    ["two parties together", "see the input; all three together see everything"],
    CHEATING,
    ["not protected", "the input, how often you ask, names and ranges of features"],
  ],
};
