// A simulator's evidence, held against a policy and against the question that was asked: every check is made, and every one must
// pass. Its signature is by a key that everyone has: it proves nothing, and says so.

import { type Bytes, concat, equal, hex, utf8, u64 } from "../bytes.ts";
import { sha256, sha512, verifies } from "./hash.ts";
import { Malformed, blob, bytesOf, fields, list, parseFields, text, wholeNumber } from "./json.ts";
import { HARDWARE, type Policy, acceptsEpochs, needsGateway } from "./policy.ts";

/** The public half of the key whose secret is SHA-256 of `privet simulator: this key is public and proves nothing`. */
export const SIMULATOR_KEY = "7ac0cf649635e5f6fa4f217ffdd236508c20191a56fecb0ae7ef6db6cc13c900";

/** What was asked, which the evidence must answer. */
export interface Question {
  nonce: Bytes;
  bundle: Bytes;
  model: Bytes;
}

/** What a simulator that passed every check is known to be. */
export interface Claims {
  encryptionKey: Bytes;
  bundle: Bytes;
  /** SHA-256 of the evidence. */
  evidence: Bytes;
  /** Seconds since 1970 after which the evidence is too old by the policy, where it has an age. */
  until: number | undefined;
}

export interface Appraisal {
  claims: Claims | undefined;
  /** Reasons to refuse, each with its code. */
  reasons: string[];
}

const DIRECTION = "enclave-to-client";
const ASSURANCE = "SIMULATED: proves nothing";
/** Clocks differ by a little everywhere. */
const SKEW = 60;

export async function appraise(presented: Bytes, policy: Policy, question: Question, now: number): Promise<Appraisal> {
  try {
    return await read(presented, policy, question, now);
  } catch (error) {
    if (error instanceof Malformed) return { claims: undefined, reasons: [`${error.message} (format-invalid)`] };
    throw error;
  }
}

async function read(presented: Bytes, policy: Policy, question: Question, now: number): Promise<Appraisal> {
  const { evidence: envelope, session } = parseFields(presented, ["evidence"], ["session"]);
  const evidence = blob(envelope);
  const { format, kind, body, statement } = parseFields(evidence, ["format", "kind", "body"], ["auxiliary", "statement"]);
  if (HARDWARE.includes(text(kind))) throw needsGateway(text(kind));
  if (format !== 1 || kind !== "sim-process") throw new Malformed("the envelope's format or kind is unknown");
  const digest = await sha256(evidence);
  const document = await readDocument(blob(body));
  const said = blob(statement ?? "");
  const stated = readStatement(said);
  const [bound, freshness] = [await reportData(said), { question, policy, now, digest }];
  const signature = session === null || session === undefined ? undefined : bytesOf(session, 64);
  const reasons = [
    failed(document.verifies, "not signed with the simulator's own, public key (signature-invalid)"),
    failed(
      policy.programs.some((program) => equal(program, document.measurement)),
      `program ${hex(document.measurement)} is none that the policy names (measurement-unknown)`,
    ),
    failed(
      equal(document.reportData, bound),
      "the platform signed something else than this statement (report-data-mismatch)",
    ),
    failed(stated.direction === DIRECTION, `stated from ${stated.direction}, where ${DIRECTION} was asked for (direction-mismatch)`),
    failed(equal(stated.bundle, question.bundle), "it serves another bundle than the one that is meant (bundle-mismatch)"),
    failed(
      stated.model !== undefined && equal(stated.model, question.model),
      "it has not opened the model that is meant (model-mismatch)",
    ),
    failed(
      policy.model.digests.length === 0 || policy.model.digests.some((d) => equal(d, question.model)),
      "it has opened a model which the policy does not name (model-unknown)",
    ),
    failed(
      policy.maxRequests === undefined || stated.requests <= policy.maxRequests,
      `the epoch answers ${stated.requests} requests, the policy takes ${policy.maxRequests} (epoch-too-long)`,
    ),
    ...(await fresh(stated, signature, freshness)),
  ].filter((reason) => reason !== undefined);
  const stamp = stated.stamp && stated.stamp.time + policy.maxEvidenceAge;
  const claims = { encryptionKey: stated.encryptionKey, bundle: stated.bundle, evidence: digest, until: stamp };
  return { claims: reasons.length === 0 ? claims : undefined, reasons };
}

const failed = (holds: boolean, reason: string): string | undefined => (holds ? undefined : reason);

/** What stands where a platform's quote would. */
async function readDocument(body: Bytes) {
  const signed = parseFields(body, ["document", "signature"]);
  const own = text(signed.document);
  const names = ["assurance", "version", "measurement", "isolation", "report_data"];
  const { assurance, version, measurement, report_data } = parseFields(own, names);
  if (version !== 1 || assurance !== ASSURANCE) {
    throw new Malformed("this is no simulator's evidence: its version is unknown, or it does not say what it is");
  }
  const message = utf8(`privet simulated evidence v1${own}`);
  return {
    measurement: bytesOf(measurement, 32),
    reportData: bytesOf(report_data, 64),
    verifies: await verifies(bytesOf(SIMULATOR_KEY, 32), message, bytesOf(signed.signature, 64)),
  };
}

interface Stamp {
  time: number;
  nonce: Bytes;
  signature: Bytes;
}

/** What an enclave says of itself. */
interface Statement {
  direction: string;
  nonce: Bytes | undefined;
  stamp: Stamp | undefined;
  encryptionKey: Bytes;
  signingKey: Bytes;
  requests: number;
  bundle: Bytes;
  model: Bytes | undefined;
}

const NAMES = "version direction freshness encryption_key signing_key requests bundle configuration sealing remarks";

function readStatement(bytes: Bytes): Statement {
  const json = parseFields(bytes, NAMES.split(" "), ["model"]);
  if (json.version !== 1) throw new Malformed(`the statement has version ${json.version}, this client reads 1`);
  fields(json.sealing, ["provider", "rollback"]);
  list(json.remarks).forEach(text);
  const full = (json.freshness as { mode?: unknown } | null)?.mode === "full";
  const { mode, nonce, stamp } = fields(json.freshness, full ? ["mode", "nonce"] : ["mode", "stamp"]);
  if (!full && mode !== "epoch") throw new Malformed("the statement's freshness is unknown");
  return {
    direction: text(json.direction),
    nonce: full ? bytesOf(nonce, 32) : undefined,
    stamp: full ? undefined : readStamp(stamp),
    encryptionKey: bytesOf(json.encryption_key, 32),
    signingKey: bytesOf(json.signing_key, 32),
    requests: wholeNumber(json.requests),
    bundle: bytesOf(json.bundle, 32),
    model: json.model === null || json.model === undefined ? undefined : bytesOf(json.model, 32),
  };
}

function readStamp(json: unknown): Stamp {
  const { time, nonce, signature } = fields(json, ["time", "nonce", "signature"]);
  return { time: wholeNumber(time), nonce: bytesOf(nonce, 32), signature: bytesOf(signature, 64) };
}

/** What the platform signs of a statement. */
const reportData = (statement: Bytes): Promise<Bytes> =>
  sha512(utf8("privet tee statement v1"), u64(statement.length), statement);

interface Freshness {
  question: Question;
  policy: Policy;
  now: number;
  digest: Bytes;
}

/** Made for this asker's nonce; or of an epoch, with a stamp that is believed and the epoch's signature over the nonce. */
async function fresh(stated: Statement, session: Bytes | undefined, asked: Freshness): Promise<(string | undefined)[]> {
  const { question, policy, now, digest } = asked;
  const { nonce, stamp, signingKey } = stated;
  if (nonce) {
    const other = "made for another nonce: an answer to somebody else, or an old one (nonce-mismatch)";
    return [failed(equal(nonce, question.nonce), other)];
  }
  if (!stamp || !acceptsEpochs(policy)) {
    return ["evidence of an epoch, and the policy names no `max_evidence_age` and `stamp_keys` (epoch-not-accepted)"];
  }
  const stamped = concat(utf8("privet tee stamp v1"), u64(stamp.time), stamp.nonce);
  const keys = await Promise.all(policy.stampKeys.map((key) => verifies(key, stamped, stamp.signature)));
  const direction = utf8(DIRECTION);
  const marked = concat(Uint8Array.of(direction.length), direction);
  const message = concat(utf8("privet tee session v1"), marked, question.nonce, digest);
  const signed = session !== undefined && (await verifies(signingKey, message, session));
  const ahead = stamp.time > now + Math.max(SKEW, policy.maxClockSkew);
  return [
    failed(keys.includes(true), "no key service that the policy names stamped the time (stamp-untrusted)"),
    failed(!ahead, "stamped at a time which is still to come (stamp-in-the-future)"),
    failed(now < stamp.time + policy.maxEvidenceAge, "stamped at a time older than the policy takes (evidence-too-old)"),
    failed(signed, "the epoch's key did not sign this asker's nonce (session-signature-invalid)"),
  ];
}
