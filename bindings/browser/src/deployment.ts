// What a client needs to use a deployment: `deployment.toml` in JSON.

import { hex, utf8 } from "./bytes.ts";
import { digest } from "./commitment.ts";
import { integrity, usage } from "./errors.ts";
import { type Kind, type Manifest, parseManifest } from "./manifest.ts";
import { checkParties } from "./parties.ts";

/** `deployment.toml` in JSON. A page reads no files, so `policy` is what the policy file says, in JSON too. */
export interface Deployment {
  name: string;
  kind: Kind;
  /** The public half of the bundle, as every role has it. */
  public: string;
  /** Its digest. */
  digest: string;
  /** One per role, in the order of roles. */
  endpoints: EndpointEntry[];
  /** Whom to believe, for kind `tee`: the policy file's content as an object. */
  policy?: object | null;
  /** Of vendors; not read, as this client appraises simulators alone. */
  collateral?: unknown[];
}

export interface EndpointEntry {
  /** What it is called in messages. */
  name: string;
  /** `https://HOST:PORT`. */
  http_url: string;
  /** The one-line key that it must hold. */
  key?: string | null;
}

/** Before anything in it is looked at: what was altered is not worth another word. */
export function openDeployment(deployment: Deployment): Manifest {
  const { kind, public: text, digest: expected, endpoints } = deployment;
  if (typeof text !== "string" || typeof expected !== "string") throw notOne("it has no `public` or no `digest`.");
  const got = hex(digest(utf8(text)));
  if (got !== expected) {
    throw integrity("E501", `The deployment says its bundle is ${expected}, but it is ${got}. Ask the owner for it again.`);
  }
  const manifest = parseManifest(text);
  if (manifest.kind !== kind || !Array.isArray(endpoints) || endpoints.length === 0) {
    throw notOne("its kind is not the bundle's, or it has no endpoints.");
  }
  endpoints.forEach(checkUrl);
  if (manifest.mpc) checkParties(manifest.mpc.parties, endpoints);
  else if (endpoints.length !== 1) throw notOne(`${endpoints.length} endpoints are given where there is one role.`);
  return manifest;
}

function checkUrl({ name, http_url: url }: EndpointEntry): void {
  const parsed = typeof url === "string" && URL.canParse(url) ? new URL(url) : undefined;
  const bare = parsed && parsed.pathname === "/" && !parsed.search && !parsed.hash && !parsed.username;
  if (!bare || parsed.protocol !== "https:") {
    throw usage("E142", `Endpoint \`${name}\` has \`${url}\`; expected \`https://HOST:PORT\`.`);
  }
}

const notOne = (what: string) => usage("E142", `This is not a deployment: ${what}`);
