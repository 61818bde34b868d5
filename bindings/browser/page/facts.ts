// What the server that serves this page says about it: `page.json`, or the same inside a page that was saved.

import type { Deployment } from "../src/index.ts";

/** Words for one column. */
export interface Field {
  label?: string;
  help?: string;
  unit?: string;
  group?: string;
  start?: number;
  choices?: Record<string, string>;
}

/** The page's own facts. */
export interface Facts {
  title: string;
  introduction: string;
  served_by: string;
  machine: string;
  apply: string | null;
  outcomes: Record<string, string>;
  fields: Record<string, Field>;
  dangerous_accept_simulated: boolean;
  deployment: Deployment;
  more: Deployment | null;
}

/** Whether this page was saved to a file, and so is served by nobody. */
export function isSaved(): boolean {
  return document.getElementById("facts") !== null;
}

/** Reads them. */
export async function facts(): Promise<Facts> {
  const saved = document.getElementById("facts");
  if (saved !== null) return JSON.parse(saved.textContent ?? "") as Facts;
  const answer = await fetch("page.json");
  if (!answer.ok) throw new Error(`The server of this page answers ${answer.status}. Load it again.`);
  return (await answer.json()) as Facts;
}
