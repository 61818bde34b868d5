// Whom to believe: the content of a policy file as a JSON object, read strictly. This client appraises simulators alone; entries
// for hardware may stand beside them and believe nobody here.

import { type Bytes, fromHex } from "../bytes.ts";
import { type PrivetError, refused, usage } from "../errors.ts";
import { Malformed, bytesOf, fields, list, text, wholeNumber } from "./json.ts";

export interface Policy {
  /** Oldest stamp of an epoch's evidence, in seconds; 0: each client asks for evidence of its own. */
  maxEvidenceAge: number;
  maxClockSkew: number;
  /** Ed25519 keys of the key services whose stamps are believed. */
  stampKeys: Bytes[];
  maxRequests: number | undefined;
  /** Programs whose simulated enclaves are believed: SHA-256. */
  programs: Bytes[];
  model: { id?: string; minVersion?: number; digests: Bytes[] };
}

export const HARDWARE = ["sgx-dcap", "tdx-dcap", "sev-snp", "snp", "nitro", "tpm2"];

export const needsGateway = (kind: string): PrivetError =>
  refused(
    "E362",
    `A page cannot verify hardware evidence of kind \`${kind}\`, and nothing was sent. Run \`privet gateway\` on your own machine: ` +
      "it verifies it, and answers any client of that machine.",
  );

export const acceptsEpochs = (policy: Policy): boolean => policy.maxEvidenceAge > 0 && policy.stampKeys.length > 0;

export function parsePolicy(json: unknown): Policy {
  try {
    return read(json);
  } catch (error) {
    if (error instanceof Malformed) throw usage("E365", `This is not a policy: ${error.message}.`);
    throw error;
  }
}

function read(json: unknown): Policy {
  const sections = ["channel", "collateral", "accept", "model", "transparency", "simulator"];
  const policy = fields(json, ["version"], sections);
  if (policy.version !== 1) throw new Malformed(`it has version ${policy.version}, this client reads 1`);
  const names = ["binding", "max_evidence_age", "max_clock_skew", "stamp_keys", "max_requests"];
  const channel = fields(policy.channel ?? {}, [], names);
  if (![undefined, null, "handshake"].includes(channel.binding as string)) {
    throw new Malformed("`[channel] binding` has one value, `handshake`");
  }
  const transparency = fields(policy.transparency ?? {}, [], ["log_key", "required"]);
  if (transparency.required) {
    throw new Malformed("`[transparency] required = true` asks for a proof that this version cannot check");
  }
  const simulator = fields(policy.simulator ?? {}, [], ["accept"]);
  return {
    maxEvidenceAge: seconds(channel.max_evidence_age ?? 0),
    maxClockSkew: seconds(channel.max_clock_skew ?? 0),
    stampKeys: list(channel.stamp_keys ?? []).map((key) => bytesOf(key, 32)),
    maxRequests: whenGiven(channel.max_requests, wholeNumber),
    programs: programs(list(policy.accept ?? []), simulator.accept === true),
    model: modelRule(policy.model ?? {}),
  };
}

function programs(entries: unknown[], accepted: boolean): Bytes[] {
  if (entries.length === 0) throw new Malformed("it has no `[[accept]]` entry, so nothing could ever be believed");
  const kinds = entries.map((entry) => text((entry as { kind?: unknown } | null)?.kind).replace(/\/1$/, ""));
  const simulated = entries.filter((_, at) => kinds[at] === "sim-process");
  const other = kinds.find((kind) => kind !== "sim-process");
  const named = other?.split("/")[0];
  if (named !== undefined && !HARDWARE.includes(named)) throw new Malformed(`there is no evidence of kind \`${other}\``);
  if (named !== undefined && simulated.length === 0) throw needsGateway(named);
  if (!accepted) {
    const both = "a simulator proves nothing, so both are needed";
    throw new Malformed(`an entry accepts \`sim-process\`, and \`[simulator] accept\` is not true; ${both}`);
  }
  return simulated.flatMap((entry) => measurements(fields(entry, ["kind"], ["measurement"]).measurement ?? []));
}

function measurements(value: unknown): Bytes[] {
  const all = list(value).map(measurement);
  if (all.length === 0) throw new Malformed('it names no measurement; there is no "any"');
  if (all.some((bytes) => bytes.every((byte) => byte === 0))) {
    throw new Malformed("a measurement is all zeros, which is what debug modes show; it is never believed");
  }
  return all;
}

/** 32 bytes in hexadecimal, perhaps after `sha256:`. */
function measurement(value: unknown): Bytes {
  const bytes = fromHex(text(value).replace(/^sha256:/, ""), 32);
  if (!bytes) throw new Malformed(`\`${value}\` is no SHA-256 in hexadecimal; there are no wildcards`);
  return bytes;
}

function modelRule(value: unknown): Policy["model"] {
  const { id, min_version: minVersion, digest } = fields(value, [], ["id", "min_version", "digest"]);
  return {
    ...whenGiven(id, (id) => ({ id: text(id) })),
    ...whenGiven(minVersion, (least) => ({ minVersion: wholeNumber(least) })),
    digests: list(digest ?? []).map(measurement),
  };
}

const whenGiven = <T>(value: unknown, read: (value: unknown) => T): T | undefined =>
  value === undefined || value === null ? undefined : read(value);

const UNITS: Record<string, number> = { "": 1, s: 1, m: 60, h: 3600, d: 24 * 3600 };

/** A time span, written `60s`, `5m`, `12h` or `30d`; a bare number is seconds. */
function seconds(value: unknown): number {
  if (typeof value === "number") return wholeNumber(value);
  const [, number, unit] = /^([0-9]+)([smhd]?)$/.exec(text(value)) ?? [];
  if (number === undefined) {
    throw new Malformed(`\`${value}\` is no time span; expected one like \`60s\`, \`5m\`, \`12h\` or \`30d\``);
  }
  return wholeNumber(Number(number) * UNITS[unit!]!);
}
