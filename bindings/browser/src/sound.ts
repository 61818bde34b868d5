// Checks of what came in a bundle: every index must point at something before it is used.

import { type PrivetError, refused } from "./errors.ts";

/** The bundle cannot be used; `what` goes on after that. */
export const unusable = (what: string): PrivetError => refused("E231", `This bundle cannot be used: ${what}`);

export function sound(holds: unknown): asserts holds {
  if (!holds) throw unusable("its parts do not fit each other.");
}

/** One of several forms, by its name, with what it holds. */
export interface Variant<T> {
  name: string;
  value: T;
}

export function variant<T>(json: unknown): Variant<T> {
  if (typeof json === "string") return { name: json, value: undefined as T };
  sound(typeof json === "object" && json !== null);
  const entries = Object.entries(json);
  sound(entries.length === 1);
  return { name: entries[0]![0], value: entries[0]![1] as T };
}

/** Whether it is a whole number from `least` to `greatest`. */
export const within = (x: unknown, least: number, greatest: number): x is number =>
  Number.isInteger(x) && (x as number) >= least && (x as number) <= greatest;

/** Levels and labels: whole numbers that a page holds exactly, or texts. */
export function soundLabels(labels: unknown): asserts labels is (number | string)[] {
  sound(Array.isArray(labels));
  const texts = labels.every((label) => typeof label === "string");
  sound(texts || labels.every(Number.isInteger));
  if (!texts && !labels.every(Number.isSafeInteger)) {
    throw unusable("a label is a number beyond 2^53, which a page does not hold exactly. Ask through `privet gateway`.");
  }
}
