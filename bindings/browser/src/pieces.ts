// Requests in pieces of bounded size.

export interface Range {
  from: number;
  to: number;
}

/** Pieces under way at a time: enough to keep splitting, sending and computing busy at once, few enough to bound memory. */
const IN_FLIGHT = 4;
/** Bytes of rows that one call aims at, where rows travel as they are. */
const CHUNK_BYTES = 2 ** 20;

/** `0..rows` in pieces of at most `size`. */
export function pieces(rows: number, size: number): Range[] {
  const step = Math.max(size, 1);
  const start = (_: unknown, at: number) => ({ from: at * step, to: Math.min(rows, (at + 1) * step) });
  return Array.from({ length: Math.ceil(rows / step) }, start);
}

/** All rows, in calls of about a MiB. */
export function chunksOf(rows: number, bytes: number): Range[] {
  return pieces(rows, Math.floor(CHUNK_BYTES / Math.max(Math.ceil(bytes / Math.max(rows, 1)), 1)));
}

/** One answer per piece, in order. Ends when nothing is under way any more, also where something failed. */
export async function inFlight<T>(ranges: Range[], one: (range: Range, at: number) => Promise<T>): Promise<T[]> {
  const answers: T[] = [];
  const errors: unknown[] = [];
  let next = 0;
  const worker = async () => {
    while (next < ranges.length && errors.length === 0) {
      const at = next++;
      try {
        answers[at] = await one(ranges[at]!, at);
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(IN_FLIGHT, ranges.length) }, worker));
  if (errors.length > 0) throw errors[0];
  return answers;
}
