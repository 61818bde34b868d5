// The client of an enclave: asks for evidence, appraises it, and only then seals rows.

import { type Bytes, hex, utf8 } from "../bytes.ts";
import type { Answer, Caller } from "../caller.ts";
import { PrivetError, integrity, refused } from "../errors.ts";
import type { Manifest, TeePart } from "../manifest.ts";
import { type Reply, type Tally, type Transport, ask, bytesTensor } from "../oip.ts";
import { type Range, chunksOf, inFlight } from "../pieces.ts";
import type { Entropy } from "../request.ts";
import { type Tensor, bytesOfRows } from "../tensor.ts";
import { type Claims, appraise } from "./appraise.ts";
import { Channel } from "./channel.ts";
import { readReply, writeRequest } from "./content.ts";
import { type Policy, acceptsEpochs, parsePolicy } from "./policy.ts";

export interface Belief {
  policy: object | null | undefined;
  /** The owner's token, where the bundle wants one. */
  token: string | undefined;
  /** Whether a simulator that the policy accepts gets rows: the second deliberate act. */
  dangerousAcceptSimulated: boolean;
}

/** Evidence that is about to be too old is not used for new rows. */
const MARGIN = 5;
/** After a refusal of this code, opening again helps; nothing was done with the rows. */
const OPEN_AGAIN = "E361";

export class TeeCaller implements Caller {
  readonly bound = null;
  private readonly policy: Policy;
  private channel: Channel | undefined;
  private opening: Promise<Channel> | undefined;

  constructor(
    private readonly manifest: Manifest & { tee: TeePart },
    private readonly bundle: Bytes,
    private readonly belief: Belief,
    private readonly transport: Transport,
    private readonly entropy: Entropy,
  ) {
    if (!belief.policy) {
      const what = "The deployment is an enclave's and comes without a policy that says whom to believe.";
      throw refused("E362", `${what} Give one as \`policy\`.`);
    }
    if (manifest.tee.wantsToken && !belief.token) {
      const what = "This deployment answers holders of a token only. Ask the owner for one and give it as `token`.";
      throw refused("E367", what);
    }
    this.policy = parsePolicy(belief.policy);
    this.checkModel();
  }

  get assurance(): string {
    return this.channel ? "simulated" : "none";
  }

  async answer(tensors: Tensor[], rows: number, tally: Tally): Promise<Answer> {
    await this.opened(tally);
    const one = (range: Range) => this.piece(tensors, range, tally);
    return { parts: await inFlight(chunksOf(rows, bytesOfRows(tensors)), one), rounds: 0 };
  }

  /** What the policy says about the model, as far as the bundle tells. */
  private checkModel(): void {
    const { name, tee } = this.manifest;
    const { id, minVersion } = this.policy.model;
    const wrong = (what: string) => refused("E362", `${what} Nothing was sent.`);
    if (id !== undefined && id !== name) {
      throw wrong(`The deployment is of model \`${name}\`, the policy is about \`${id}\`.`);
    }
    if (minVersion !== undefined && tee.version < minVersion) {
      throw wrong(`The deployment has version ${tee.version} of the model, the policy takes ${minVersion} and later.`);
    }
  }

  private async piece(tensors: Tensor[], range: Range, tally: Tally): Promise<Tensor[]> {
    const channel = await this.opened(tally);
    try {
      return await this.over(channel, tensors, range, tally);
    } catch (error) {
      if (!(error instanceof PrivetError && error.code === OPEN_AGAIN)) throw error;
      if (this.channel === channel) this.channel = undefined;
      return this.over(await this.opened(tally), tensors, range, tally);
    }
  }

  private async over(channel: Channel, tensors: Tensor[], range: Range, tally: Tally): Promise<Tensor[]> {
    const { inputs, outputs } = this.manifest;
    const content = writeRequest(inputs, tensors, range, this.belief.token ?? "");
    const { message, awaiting } = await channel.request(content, this.entropy);
    const [reply] = await ask(this.transport, [[bytesTensor("sealed", message)]], tally);
    const sealed = dataOf(reply!, "sealed");
    if (!sealed) throw integrity("E510", "The host sent no sealed reply. No answer was released.");
    return readReply(await awaiting(sealed), outputs, range.to - range.from);
  }

  /** The channel over evidence that is good for a while, opened once for all who wait for it. */
  private async opened(tally: Tally): Promise<Channel> {
    const until = this.channel?.claims.until ?? Infinity;
    if (this.channel && now() + MARGIN < until) return this.channel;
    this.opening ??= this.open(tally).finally(() => (this.opening = undefined));
    return this.opening;
  }

  private async open(tally: Tally): Promise<Channel> {
    const nonce = this.entropy(32);
    const mode = acceptsEpochs(this.policy) ? "epoch" : "full";
    const challenge = utf8(JSON.stringify({ version: 1, nonce: hex(nonce), mode }));
    const [reply] = await ask(this.transport, [[bytesTensor("challenge", challenge)]], tally);
    const presented = dataOf(reply!, "evidence");
    if (!presented) {
      throw integrity("E362", "What came where evidence was asked for is none. Nothing was sent.");
    }
    this.channel = await Channel.open(await this.claims(presented, nonce));
    return this.channel;
  }

  /** Claims that this client takes, or why not. */
  private async claims(presented: Bytes, nonce: Bytes): Promise<Claims> {
    const question = { nonce, bundle: this.bundle, model: this.manifest.tee.model };
    const { claims, reasons } = await appraise(presented, this.policy, question, now());
    if (!claims) {
      const show = "`privet attest show --to …` shows it in full; the policy says what is believed.";
      throw refused("E362", `The evidence was refused, and nothing was sent: ${reasons.join("; ")}. ${show}`);
    }
    if (this.belief.dangerousAcceptSimulated) return claims;
    throw refused(
      "E363",
      "This is a SIMULATED enclave: an ordinary process, whose owner can read what you send. The policy accepts it, and that is " +
        "not enough. For a trial with rows that are not secret, add `dangerousAcceptSimulated`. Nothing was sent.",
    );
  }
}

const dataOf = (reply: Reply, name: string): Bytes | undefined =>
  reply.outputs.find((output) => output.name === name)?.data;

/** Seconds since 1970, by this machine's clock. */
const now = (): number => Math.floor(Date.now() / 1000);
