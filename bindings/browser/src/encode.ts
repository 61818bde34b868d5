// From a client's rows to the integers that enter the private core, or a refusal by row and feature.

import { wipe } from "./bytes.ts";
import { type PrivetError, refused } from "./errors.ts";
import { type Elements, encode } from "./fixed.ts";
import type { Head } from "./head.ts";
import type { Tensor } from "./tensor.ts";

/** By column: its scale, a power of two, and its least and greatest value. */
export interface Ranges {
  scales: Float64Array;
  low: Float64Array;
  high: Float64Array;
}

/** Encodes rows `from..to`. Nothing is clipped and nothing wraps: a value outside its range is refused. */
export function encodeRows(head: Head, ranges: Ranges, rows: Tensor[], from: number, to: number): Elements {
  const values = checkedRows(head, ranges, rows, from, to);
  const elements = encode(values, ranges.scales);
  wipe(values);
  return elements;
}

/** Reads rows `from..to`, and checks every value against its range. */
export function checkedRows(head: Head, ranges: Ranges, rows: Tensor[], from: number, to: number) {
  const { low, high } = ranges;
  const values = head.fill(rows, from, to);
  for (let at = 0, j = 0; at < values.length; at++, j = j + 1 === low.length ? 0 : j + 1) {
    const x = values[at]!;
    // NaN lies between no ends.
    if (low[j]! <= x && x <= high[j]!) continue;
    wipe(values);
    throw refusal(head, j, from + Math.floor(at / low.length), x, shownRange(low[j]!, high[j]!));
  }
  return values;
}

function refusal(head: Head, column: number, row: number, x: number, range: string): PrivetError {
  const which = `Row ${row + 1}, feature \`${head.featureOf(column).name}\``;
  if (Number.isFinite(x)) {
    const why = "Predicting it could give a wrong answer, so nothing was sent.";
    const what = `${which} = ${scientific(x)} is outside the planned range ${range}. ${why}`;
    return refused("E105", `${what} Plan again with \`--rows\` that contain such values.`);
  }
  if (head.columns[column]!.name === "Level") {
    return refused("E104", `${which} is a category that the model does not know. Send one of its known levels.`);
  }
  const what = `${which} is missing or not finite, and the model does not say what to put in its place.`;
  return refused("E104", `${what} Fill it before asking.`);
}

function shownRange(low: number, high: number): string {
  return low + high === 0 ? `±${scientific(high)}` : `${scientific(low)} to ${scientific(high)}`;
}

/** As Rust prints `{:e}`. */
const scientific = (x: number): string => x.toExponential().replace("e+", "e");
