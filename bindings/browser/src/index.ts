// The browser client of privet: rows are split into shares, encrypted, or sealed in the page, and each role is asked directly.

import type { Bytes } from "./bytes.ts";
import type { Caller } from "./caller.ts";
import { fromHex } from "./bytes.ts";
import { type Deployment, openDeployment } from "./deployment.ts";
import { ours, usage } from "./errors.ts";
import { HeCaller } from "./he/caller.ts";
import type { Manifest } from "./manifest.ts";
import { Model } from "./model.ts";
import { MpcCaller } from "./mpc.ts";
import type { Transport } from "./oip.ts";
import { PlainCaller } from "./plain.ts";
import type { Entropy } from "./request.ts";
import { TeeCaller } from "./tee/caller.ts";

export { PrivetError } from "./errors.ts";
export type { Blame } from "./errors.ts";
export type { Deployment, EndpointEntry } from "./deployment.ts";
export type { Model, Outputs, PortFacts } from "./model.ts";
export type { ValueRange } from "./ranges.ts";
export type { Given, Output, Rows, Values } from "./tensor.ts";

export interface Options {
  /** No call waits longer. */
  deadlineMs?: number;
  /** Rows may go to a simulated enclave that the policy accepts: for trials with rows that are not secret. */
  dangerousAcceptSimulated?: boolean;
  /** The owner's token, where the deployment wants one. */
  token?: string;
  /** In place of the page's own. */
  fetch?: typeof fetch;
  /** Known bytes in place of random ones: whoever knows them knows the rows. */
  dangerousEntropyForTests?: Entropy;
}

const DEADLINE_MS = 30_000;
/** Timers take no more. */
const LONGEST_MS = 2 ** 31 - 1;

/** Opens a deployment. Nothing is asked before the first rows. */
export function connect(deployment: Deployment, options: Options = {}): Model {
  checkMachine();
  const manifest = openDeployment(deployment);
  const { deadlineMs = DEADLINE_MS } = options;
  if (!(deadlineMs > 0 && deadlineMs <= LONGEST_MS)) {
    throw usage("E145", `The deadline must be more than 0 and at most ${LONGEST_MS} milliseconds, got ${deadlineMs}.`);
  }
  const transport: Transport = {
    model: manifest.kind === "plain" ? deployment.name : manifest.name,
    version: manifest.version,
    roles: deployment.endpoints.map(({ name, http_url: url }) => ({ name, url })),
    fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    deadlineMs,
  };
  return new Model(manifest, callerOf(manifest, deployment, options, transport));
}

function callerOf(manifest: Manifest, deployment: Deployment, options: Options, transport: Transport): Caller {
  const { inputs, outputs, mpc, tee, he } = manifest;
  const bundle = fromHex(deployment.digest, 32)!;
  const entropy = options.dangerousEntropyForTests ?? random;
  if (mpc) return new MpcCaller(mpc, bundle, transport, entropy);
  if (he) return new HeCaller(he, bundle, transport, entropy);
  if (!tee) return new PlainCaller(inputs, outputs, transport);
  const { token, dangerousAcceptSimulated = false } = options;
  const belief = { policy: deployment.policy, token, dangerousAcceptSimulated };
  return new TeeCaller({ ...manifest, tee }, bundle, belief, transport, entropy);
}

const random: Entropy = (length): Bytes => crypto.getRandomValues(new Uint8Array(length));

function checkMachine(): void {
  if (!globalThis.crypto?.subtle) {
    throw ours("E901", "This page has no WebCrypto, which browsers give to pages that come over https. Nothing was sent.");
  }
  // Elements are read as they lie in memory.
  if (new Uint8Array(Uint32Array.of(1).buffer)[0] !== 1) {
    throw ours("E903", "This machine stores numbers with their high byte first, which this client does not read.");
  }
}
