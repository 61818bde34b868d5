// What people are told before they send anything: who will be able to see what.

import type { Model } from "../src/index.ts";
import { element } from "./elements.ts";
import { type Facts, isSaved } from "./facts.ts";

/** Who serves the page, and who sees what of the answer. */
export function told(page: Facts, model: Model): HTMLElement {
  const lines = model.trust.flatMap(([who, what]) => [element("dt", {}, who), element("dd", {}, what)]);
  return element(
    "section",
    { "aria-labelledby": "told" },
    element("h2", { id: "told" }, "Who will be able to see what"),
    server(page),
    simulated(page, model),
    element("p", {}, how(page, model)),
    element("dl", {}, ...lines),
  );
}

function server(page: Facts): HTMLElement {
  if (isSaved()) {
    const who = `${page.served_by} made it. Check its signature, with a key that you have from elsewhere, before you trust it.`;
    return element("p", { class: "told" }, element("strong", {}, "This page is a file of yours. Nobody serves it."), who);
  }
  const link = element("a", { href: "page.html", download: "page.html" }, "save this page");
  return element(
    "p",
    { class: "told" },
    element("strong", {}, `This page is served by ${page.served_by}.`),
    "Whoever serves a page can read what is typed into it, if it serves another page than it should. If you do not want to rely on that, ",
    link,
    ", check its signature with a key that you have from elsewhere, and open the file instead.",
  );
}

function simulated(page: Facts, model: Model): HTMLElement | null {
  if (model.kind !== "tee" || !page.dangerous_accept_simulated) return null;
  const what = "It is an ordinary process, and the owner of that machine can read what you send. For trials only.";
  return element("p", { class: "told" }, element("strong", {}, "The enclave may be SIMULATED."), what);
}

function how(page: Facts, model: Model): string {
  const roles = page.deployment.endpoints.map((role) => role.name).join(", ");
  switch (model.kind) {
    case "mpc":
      return `This page splits your numbers into shares, of which each alone says nothing, and sends them to ${roles}.`;
    case "tee":
      return `This page checks the evidence of a program in an enclave, seals your numbers to it, and sends them to ${roles}.`;
    case "he":
      return `This page encrypts your numbers under a key that stays in it, and sends ciphertexts to ${roles}, which computes on them as they are.`;
    default:
      return `This page sends your numbers as they are to ${roles}.`;
  }
}
