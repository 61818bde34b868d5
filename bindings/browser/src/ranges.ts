// What each value of a row may be, as the plan in the bundle says: for making a form.

import type { Column } from "./head.ts";
import type { HePart, Manifest, MpcPart } from "./manifest.ts";
import { type Port, elementName, isFloat } from "./port.ts";

export interface ValueRange {
  /** What messages call it. */
  name: string;
  /** The input that it is a value of, and which one. */
  input: string;
  element: number;
  /** Ends of what is answered; `null` where the plan has none, or there is no plan. */
  low: number | null;
  high: number | null;
  /** Of a category, in the order of the model. */
  levels?: string[];
  /** Whether only whole numbers are taken. */
  whole: boolean;
  /** Whether it may be missing (NaN). Without a plan only the server knows, and any number may be tried. */
  missing: boolean;
}

export function rangesOf({ inputs, mpc, he }: Manifest): ValueRange[] {
  const part = mpc ?? he;
  const all = inputs.map((port) => Array.from({ length: port.width }, (_, element) => unplanned(port, element, !part)));
  part?.head.columns.forEach((column, j) => narrow(all, part, column, j));
  return all.flat();
}

function unplanned(port: Port, element: number, mayMiss: boolean): ValueRange {
  return {
    name: elementName(port, element),
    input: port.name,
    element,
    low: null,
    high: null,
    whole: port.dtype !== "BYTES" && !isFloat(port),
    missing: mayMiss && isFloat(port),
  };
}

/** What column `j` of the plan adds to what is known of the value that it is made from. */
function narrow(all: ValueRange[][], { head, numbers }: MpcPart | HePart, column: Column, j: number): void {
  const { raw } = head.featureOf(j);
  const range = raw && all[raw.input]![raw.element];
  if (!range) return;
  range.missing ||= column.value.missing === "Nan";
  if (column.name === "Level") range.levels = head.levels(column.value.category!).map(String);
  if (column.name !== "Value") return;
  range.low = Math.max(range.low ?? -Infinity, numbers.ranges.low[j]!);
  range.high = Math.min(range.high ?? Infinity, numbers.ranges.high[j]!);
}
