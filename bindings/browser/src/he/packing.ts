// Where rows and answers stand in polynomials, so that one product gives many inner products: a row's values are the coefficients from
// its place on, and its answer is the last of those coefficients in the product. Several scores are answered by products of their own,
// or, where there is room for as many times the columns, by one: rows then stand that much further apart.

import { type Range, pieces } from "../pieces.ts";
import type { Parameters } from "./parameters.ts";

/** How a request of so many rows is packed. */
export class Packing {
  /** Scores that one product answers. */
  readonly scoresInOne: number;
  /** Rows in a ciphertext. */
  readonly rowsInOne: number;

  /** All scores in one product if all rows then still fit one ciphertext; else one product a score. */
  constructor(
    { degree, rows: most }: Parameters,
    private readonly columns: number,
    private readonly scores: number,
    private readonly rows: number,
  ) {
    const answers = rows * scores;
    const together = scores > 1 && answers * columns <= degree && answers <= most;
    this.scoresInOne = together ? scores : 1;
    this.rowsInOne = together ? Math.max(rows, 1) : most;
  }

  /** The rows of each ciphertext. */
  get ciphertexts(): Range[] {
    return pieces(this.rows, this.rowsInOne);
  }

  /** Products with each ciphertext. */
  get products(): number {
    return this.scores / this.scoresInOne;
  }

  /** The coefficient of a row's first value. */
  place(row: number): number {
    return row * this.columns * this.scoresInOne;
  }

  /** The coefficient of an answer; answers of a product are numbered by row, then by score. */
  answer(at: number): number {
    return at * this.columns + this.columns - 1;
  }
}
