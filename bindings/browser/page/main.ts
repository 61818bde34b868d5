// The applicant's page: who sees what, a form, an answer. What is typed leaves it as shares, encrypted or sealed, never as it is.

import { connect, type Model, PrivetError } from "../src/index.ts";
import { busy, element } from "./elements.ts";
import { type Facts, facts } from "./facts.ts";
import { form, type Form } from "./form.ts";
import { answer, next } from "./result.ts";
import { told } from "./told.ts";

async function start(): Promise<void> {
  const main = document.getElementById("page");
  if (main === null) return;
  try {
    const page = await facts();
    const options = { dangerousAcceptSimulated: page.dangerous_accept_simulated };
    const model = connect(page.deployment, options);
    const more = page.more === null ? null : connect(page.more, options);
    document.title = page.title;
    main.replaceChildren(...parts(page, model, more));
  } catch (error) {
    main.replaceChildren(element("p", { role: "alert" }, said(error)));
  }
}

function parts(page: Facts, model: Model, more: Model | null): HTMLElement[] {
  const fields = form(model, page.fields);
  const output = element("output", { tabindex: "-1" });
  output.hidden = true;
  const send = element("button", { type: "submit" }, "Ask, privately");
  const whole = element("form", { novalidate: "", autocomplete: "off" }, fields.root, element("div", { class: "buttons" }, send));
  whole.addEventListener("submit", (event) => {
    event.preventDefault();
    void busy(send, () => ask(page, model, more, fields, output));
  });
  const heading = element("h1", {}, page.title);
  const introduction = element("p", {}, page.introduction);
  return [heading, introduction, told(page, model), whole, output];
}

async function ask(page: Facts, model: Model, more: Model | null, fields: Form, output: HTMLOutputElement): Promise<void> {
  const row = fields.row();
  if (row === null) return;
  await show(output, async () => {
    const result = await model.outputs(row);
    const further = more === null ? null : () => show(output, async () => [answer(page, more, await more.outputs(row))]);
    return [answer(page, model, result), next(page, further, fields.typed)];
  });
}

/** Counts what was asked, so that a late answer to an earlier question is not shown over a later one. */
let asked = 0;

async function show(output: HTMLOutputElement, work: () => Promise<HTMLElement[]>): Promise<void> {
  const mine = ++asked;
  output.hidden = false;
  output.classList.remove("bad");
  output.replaceChildren(element("p", {}, "Asking …"));
  try {
    const answer = await work();
    if (mine === asked) output.replaceChildren(...answer);
  } catch (error) {
    if (mine !== asked) return;
    output.classList.add("bad");
    output.replaceChildren(element("p", {}, said(error)));
  }
  output.focus();
}

/** What went wrong, in a sentence that says the next step. */
function said(error: unknown): string {
  if (error instanceof PrivetError) return `${error.code} ${error.message}`;
  return error instanceof Error ? error.message : "Something went wrong. Load the page again.";
}

void start();
