// The answer, in words, with its bound, and what can be done next.

import type { Model, Outputs } from "../src/index.ts";
import { button, element } from "./elements.ts";
import type { Facts } from "./facts.ts";

/** The answer of one row. */
export function answer(page: Facts, model: Model, result: Outputs): HTMLElement {
  const lines = Object.entries(result.outputs).flatMap(([name, output]) => {
    const values = Array.from(output.data as Iterable<number | bigint | string>, (value) => shown(model, value));
    return [element("dt", {}, name), element("dd", {}, values.join(", "))];
  });
  return element(
    "section",
    {},
    element("p", { class: "answer" }, outcome(page, result)),
    element("dl", {}, ...lines),
    element("p", { class: "soft" }, `${exact(model)} ${cost(result)}`),
  );
}

/** What the lender's words for the label are; the label itself where there are none. */
function outcome(page: Facts, result: Outputs): string {
  for (const output of Object.values(result.outputs)) {
    const label = String(output.data[0]);
    const isLabel = output.datatype === "BYTES" || output.datatype.startsWith("INT");
    if (isLabel) return page.outcomes[label] ?? `The answer is ${label}.`;
  }
  return "This is the model's answer.";
}

function shown(model: Model, value: number | bigint | string): string {
  if (typeof value !== "number") return String(value);
  // One digit more than the bound says, so that writing it down adds nothing that counts.
  const digits = model.bound === null ? 6 : Math.max(1, Math.ceil(-Math.log10(model.bound)) + 1);
  return value.toFixed(Math.min(digits, 12));
}

function exact(model: Model): string {
  if (model.reveal === "label") return "The label is all that was computed for you.";
  return model.bound === null ? "It is computed as the model is defined." : `It is wrong by ${up(model.bound)} at most.`;
}

/** Two digits, never less than it is. */
function up(bound: number): string {
  const unit = 10 ** (Math.floor(Math.log10(bound)) - 1);
  return (Math.ceil(bound / unit) * unit).toPrecision(2);
}

function cost(result: Outputs): string {
  return `${result.bytesUp.toLocaleString("en")} bytes were sent, ${result.bytesDown.toLocaleString("en")} came back.`;
}

/** What an applicant may do after an answer: it is theirs to decide. */
export function next(page: Facts, more: (() => Promise<void>) | null, typed: () => Record<string, string>): HTMLElement {
  const save = button("Save what I typed", async () => download("application.json", JSON.stringify(typed(), null, 1)), { class: "second" });
  const ask = more === null ? null : button("Show me the score too", more, { class: "second" });
  const on = page.apply === null ? null : element("a", { href: page.apply, rel: "noreferrer" }, "Go on to the application");
  return element(
    "section",
    { "aria-labelledby": "next" },
    element("h2", { id: "next" }, "What now"),
    element("p", {}, "Nobody but you knows this answer. Whether you tell anyone more is for you to decide."),
    element("div", { class: "buttons" }, ask, save, on),
  );
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  element("a", { href: url, download: name }).click();
  URL.revokeObjectURL(url);
}
