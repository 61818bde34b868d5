// A form for one row of the model: a field for each value that it takes, checked before anything is sent.

import type { Model, ValueRange } from "../src/index.ts";
import { element } from "./elements.ts";
import type { Field } from "./facts.ts";

type Control = HTMLInputElement | HTMLSelectElement;

/** The form's fields, and the row that they say. */
export interface Form {
  root: HTMLElement;
  /** The row, or nothing where a field must be mended first; that field has the focus then. */
  row(): Row | null;
  /** What was typed, by the names of columns. */
  typed(): Record<string, string>;
}

/** One row, by input. */
export type Row = Record<string, number[] | string[]>;

interface Entry {
  range: ValueRange;
  /** Whether the model takes text. */
  text: boolean;
  control: Control;
  problem: HTMLElement;
}

export function form(model: Model, fields: Record<string, Field>): Form {
  const groups = new Map<string, HTMLFieldSetElement>();
  const texts = new Set(model.inputs.filter((input) => input.datatype === "BYTES").map((input) => input.name));
  const entries = model.ranges().map((range, at) => ({
    range,
    text: texts.has(range.input),
    ...field(range, fields[range.name] ?? {}, `field-${at}`, groups),
  }));
  const root = element("div", {}, ...groups.values());
  return {
    root,
    row: () => row(entries),
    typed: () => Object.fromEntries(entries.map(({ range, control }) => [range.name, control.value])),
  };
}

function field(range: ValueRange, words: Field, id: string, groups: Map<string, HTMLFieldSetElement>) {
  const control = choices(range, words) ?? number(range, words);
  control.id = id;
  const problem = element("span", { class: "problem", id: `${id}-problem`, role: "alert" });
  const help = element("span", { class: "help", id: `${id}-help` }, said(range, words));
  control.setAttribute("aria-describedby", `${id}-help ${id}-problem`);
  const label = element("label", { for: id }, words.label ?? range.name, help);
  const name = words.group ?? "Your application";
  const group = groups.get(name) ?? element("fieldset", {}, element("legend", {}, name));
  groups.set(name, group);
  group.append(element("div", {}, label, control, problem));
  control.addEventListener("input", () => clear(control, problem));
  return { control, problem };
}

/** A list to choose from, where the values are known. */
function choices(range: ValueRange, words: Field): HTMLSelectElement | null {
  const known = words.choices ?? (range.levels ? Object.fromEntries(range.levels.map((level) => [level, level])) : null);
  if (known === null) return null;
  const options = Object.entries(known).map(([value, text]) => element("option", { value }, text));
  const first = element("option", { value: "" }, range.missing ? "not known" : "choose");
  const made = element("select", {}, first, ...options);
  if (words.start !== undefined) made.value = String(words.start);
  return made;
}

function number(range: ValueRange, words: Field): HTMLInputElement {
  return element("input", {
    type: "text",
    inputmode: range.whole ? "numeric" : "decimal",
    autocomplete: "off",
    value: words.start === undefined ? null : String(words.start),
  });
}

/** What stands under a field's name. */
function said(range: ValueRange, words: Field): string {
  const help = words.help ?? "";
  const unit = words.unit ? `in ${words.unit}` : "";
  return [help, unit, range.missing ? "may be left empty" : ""].filter((text) => text !== "").join(", ");
}

function row(entries: Entry[]): Row | null {
  const values: Row = {};
  let first: Control | null = null;
  for (const entry of entries) {
    const read = value(entry);
    if (read.problem !== undefined) {
      show(entry, read.problem);
      first ??= entry.control;
    } else {
      ((values[entry.range.input] ??= []) as (number | string)[]).push(read.value);
    }
  }
  first?.focus();
  return first === null ? values : null;
}

type Read = { value: number | string; problem?: undefined } | { problem: string };

function value({ range, text: isText, control }: Entry): Read {
  if (isText) return control.value === "" ? { problem: "An answer is needed here." } : { value: control.value };
  const text = control.value.trim();
  if (text === "") return range.missing ? { value: NaN } : { problem: "A number is needed here." };
  // A comma is a decimal point to some and separates thousands to others: where it could be both, nobody guesses.
  if (/,\d{3}$/.test(text)) return { problem: "Is that a decimal comma? Write 50000, or 50.0, without one." };
  const number = Number(/^[^.,]*,[^.,]*$/.test(text) ? text.replace(",", ".") : text);
  if (!Number.isFinite(number)) return { problem: "This is no number." };
  if (range.whole && !Number.isInteger(number)) return { problem: "A whole number is needed here." };
  if ((range.low !== null && number < range.low) || (range.high !== null && number > range.high)) {
    return { problem: `The model answers between ${short(range.low)} and ${short(range.high)} only.` };
  }
  return { value: number };
}

function short(limit: number | null): string {
  return limit === null ? "any number" : String(Number(limit.toPrecision(6)));
}

function show({ control, problem }: Entry, text: string): void {
  control.setAttribute("aria-invalid", "true");
  problem.textContent = text;
}

function clear(control: Control, problem: HTMLElement): void {
  control.removeAttribute("aria-invalid");
  problem.textContent = "";
}
