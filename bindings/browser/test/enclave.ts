// A simulated enclave that is played here, with the other half of everything the client does.

import { type Bytes, Reader, concat, hex, u32, u64, utf8 } from "../src/bytes.ts";
import { sha256, sha512 } from "../src/tee/hash.ts";
import { type Exporter, exporterOf } from "../src/tee/hpke.ts";
import { bucketOf } from "../src/tee/channel.ts";
import { type Tensors, bytes } from "./support.ts";

const base64 = (bytes: Uint8Array) => btoa(String.fromCharCode(...bytes));

/** The secret half of an Ed25519 key, from its 32 bytes. */
export async function signer(seed: Bytes): Promise<(message: Bytes) => Promise<Bytes>> {
  const pkcs8 = concat(bytes("302e020100300506032b657004220420"), seed);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", false, ["sign"]);
  return async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, message));
}

async function pair(algorithm: "Ed25519" | "X25519"): Promise<CryptoKeyPair & { raw: Bytes }> {
  const usages: KeyUsage[] = algorithm === "Ed25519" ? ["sign", "verify"] : ["deriveBits"];
  const keys = (await crypto.subtle.generateKey(algorithm, true, usages)) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));
  return { ...keys, raw };
}

export type Change = (part: any) => void;

/** What a test may change of what is presented. */
export interface Changes {
  statement?: Change;
  document?: Change;
  evidence?: Change;
  presented?: Change;
  signature?: (signature: Bytes) => Bytes;
}

export class Enclave {
  readonly measurement = new Uint8Array(32).fill(7);
  readonly model = new Uint8Array(32).fill(9);
  changes: Changes = {};
  answer: (content: Bytes) => Bytes = () => Uint8Array.of(0);
  challenges = 0;
  private evidence = new Uint8Array(0);

  private constructor(
    readonly bundle: Bytes,
    readonly stamps: CryptoKeyPair & { raw: Bytes },
    private readonly signing: CryptoKeyPair & { raw: Bytes },
    private encryption: CryptoKeyPair & { raw: Bytes },
  ) {}

  static async start(bundle: Bytes): Promise<Enclave> {
    return new Enclave(bundle, await pair("Ed25519"), await pair("Ed25519"), await pair("X25519"));
  }

  async newKeys(): Promise<void> {
    this.encryption = await pair("X25519");
  }

  /** The public key, and whether a request is sealed to it. */
  knows(request: Bytes): Promise<boolean> {
    return sha256(this.encryption.raw).then((id) => hex(id.subarray(0, 16)) === hex(request.subarray(5, 21)));
  }

  async present(challenge: Bytes): Promise<Tensors> {
    this.challenges++;
    const { nonce, mode } = JSON.parse(new TextDecoder().decode(challenge));
    const statement = utf8(JSON.stringify(await this.statement(nonce, mode)));
    const document = {
      assurance: "SIMULATED: proves nothing",
      version: 1,
      measurement: hex(this.measurement),
      isolation: ["none"],
      report_data: hex(await sha512(utf8("privet tee statement v1"), u64(statement.length), statement)),
    };
    this.changes.document?.(document);
    const evidence = { format: 1, kind: "sim-process", body: base64(await signed(document)), statement: base64(statement) };
    this.changes.evidence?.(evidence);
    this.evidence = utf8(JSON.stringify(evidence));
    const direction = "enclave-to-client";
    const session = concat(
      utf8("privet tee session v1"),
      Uint8Array.of(direction.length),
      utf8(direction),
      bytes(nonce),
      await sha256(this.evidence),
    );
    const signature = mode === "epoch" ? hex(await this.sign(this.signing, session)) : null;
    const presented = { evidence: base64(this.evidence), session: signature };
    this.changes.presented?.(presented);
    return { evidence: utf8(JSON.stringify(presented)) };
  }

  private async statement(nonce: string, mode: string): Promise<object> {
    const time = Math.floor(Date.now() / 1000);
    const stamped = concat(utf8("privet tee stamp v1"), u64(time), new Uint8Array(32));
    const stamp = { time, nonce: "00".repeat(32), signature: hex(await this.sign(this.stamps, stamped)) };
    const statement = {
      version: 1,
      direction: "enclave-to-client",
      freshness: mode === "epoch" ? { mode, stamp } : { mode: "full", nonce },
      encryption_key: hex(this.encryption.raw),
      signing_key: hex(this.signing.raw),
      requests: 1000,
      bundle: hex(this.bundle),
      configuration: "00".repeat(32),
      model: hex(this.model),
      sealing: { provider: "key-service", rollback: "key-service" },
      remarks: ["played"],
    };
    this.changes.statement?.(statement);
    return statement;
  }

  private async sign(keys: CryptoKeyPair, message: Bytes): Promise<Bytes> {
    const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", keys.privateKey, message));
    return this.changes.signature?.(signature) ?? signature;
  }

  /** The sealed reply to a sealed request, as `tee/src/channel/enclave.rs` makes it. */
  async reply(request: Bytes): Promise<Bytes> {
    const reader = new Reader(request);
    const names = [4, 1, 16, 32, 16, 32, 32].map((length) => reader.take(length)!);
    const [magic, direction, , encapsulated, nonce, evidence, bundle] = names as [Bytes, Bytes, ...Bytes[]];
    const head = request.slice(0, 137);
    if (new TextDecoder().decode(magic) !== "PVE1" || direction[0] !== 1) throw new Error("no request");
    if (hex(evidence!) !== hex(await sha256(this.evidence))) throw new Error("other evidence");
    const context = await this.context(encapsulated!.slice());
    const key = await context(concat(utf8("privet tee request"), nonce!));
    const padded = await aes("decrypt", key, head, request.slice(137));
    const content = new Reader(padded.slice(4)).take(new Reader(padded).u32()!)!;
    const answer = this.answer(content);
    const own = new Uint8Array(16).fill(5);
    const bucket = bucketOf(4 + answer.length);
    const digest = await sha256(head, request.slice(-16));
    const replyHead = concat(utf8("PVE1"), Uint8Array.of(2), own, digest, u32(bucket));
    const secret = await context(concat(utf8("privet tee reply"), nonce!));
    const replyPadded = new Uint8Array(bucket);
    replyPadded.set(concat(u32(answer.length), answer));
    const sealed = await aes("encrypt", await replyKey(secret, own), concat(replyHead, evidence!, bundle!), replyPadded);
    return concat(replyHead, sealed);
  }

  private async context(encapsulated: Bytes): Promise<Exporter> {
    const sender = await crypto.subtle.importKey("raw", encapsulated, "X25519", false, []);
    const how = { name: "X25519", public: sender };
    const agreed = new Uint8Array(await crypto.subtle.deriveBits(how, this.encryption.privateKey, 256));
    const info = concat(utf8("privet tee channel v1"), this.encryption.raw, this.bundle);
    return exporterOf(agreed, concat(encapsulated, this.encryption.raw), info);
  }
}

async function signed(document: object): Promise<Bytes> {
  const text = JSON.stringify(document);
  const seed = await sha256(utf8("privet simulator: this key is public and proves nothing"));
  const signature = await (await signer(seed))(utf8(`privet simulated evidence v1${text}`));
  return utf8(JSON.stringify({ document: text, signature: hex(signature) }));
}

async function replyKey(secret: Bytes, salt: Bytes): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt, info: utf8("privet tee reply key") };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, 256));
}

async function aes(way: "encrypt" | "decrypt", key: Bytes, additionalData: Bytes, content: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, [way]);
  return new Uint8Array(await crypto.subtle[way]({ name: "AES-GCM", iv: new Uint8Array(12), additionalData }, imported, content));
}
