// Sealed requests and replies, version `PVE1`: `tee/src/channel/layout.rs` has the table. A channel is one HPKE context; each request
// is sealed under a key exported with its own random nonce, each reply under one exported with the request's and the enclave's own.

import { type Bytes, Reader, concat, equal, u32, utf8, wipe } from "../bytes.ts";
import { type PrivetError, integrity, usage } from "../errors.ts";
import type { Entropy } from "../request.ts";
import type { Claims } from "./appraise.ts";
import { sha256 } from "./hash.ts";
import { type Sent, sendTo } from "./hpke.ts";

const MAGIC = utf8("PVE1");
const [TO_ENCLAVE, TO_CLIENT] = [Uint8Array.of(1), Uint8Array.of(2)];
const REPLY_HEAD = 4 + 1 + 16 + 32 + 4;
const TAG = 16;
const SMALLEST = 256;
const LONGEST = 2 ** 28;

/** Opens the reply to one request, once. */
export type Awaiting = (reply: Bytes) => Promise<Bytes>;

export class Channel {
  private constructor(
    readonly claims: Claims,
    private readonly keyId: Bytes,
    private readonly sent: Sent,
  ) {}

  /** Nothing is sent: the first request carries what the enclave needs. */
  static async open(claims: Claims, send: typeof sendTo = sendTo): Promise<Channel> {
    const { encryptionKey: key, bundle } = claims;
    const sent = await send(key, concat(utf8("privet tee channel v1"), key, bundle));
    if (!sent) throw integrity("E364", "the enclave's key cannot be used; nothing was sent.");
    return new Channel(claims, (await sha256(key)).slice(0, 16), sent);
  }

  /** Seals content, whose bucket is all that can be seen of its size; the content is overwritten. */
  async request(content: Bytes, entropy: Entropy): Promise<{ message: Bytes; awaiting: Awaiting }> {
    const { evidence, bundle } = this.claims;
    const nonce = entropy(16);
    const padded = pad(content);
    const head = concat(MAGIC, TO_ENCLAVE, this.keyId, this.sent.encapsulated, nonce, evidence, bundle, u32(padded.length));
    const key = await this.sent.exporter(concat(utf8("privet tee request"), nonce));
    const message = concat(head, await seal(key, head, padded));
    wipe(content, padded, key);
    const secret = await this.sent.exporter(concat(utf8("privet tee reply"), nonce));
    const digest = await sha256(head, message.slice(-TAG));
    return { message, awaiting: (reply) => openReply(reply, digest, secret, concat(evidence, bundle)) };
  }
}

async function openReply(reply: Bytes, digest: Bytes, secret: Bytes, bound: Bytes): Promise<Bytes> {
  const reader = new Reader(reply);
  const [magic, direction] = [reader.take(4), reader.take(1)];
  if (!magic || !equal(magic, MAGIC)) throw malformed("it does not start with the mark");
  if (!direction || !equal(direction, TO_CLIENT)) throw malformed("it goes in the other direction");
  const [nonce, request, bucket] = [reader.take(16), reader.take(32), reader.u32()];
  if (!nonce || !request || bucket === undefined) throw malformed("it ends early");
  if (bucket > LONGEST || reader.rest.length !== bucket + TAG) throw malformed("its length is not what it says");
  if (!equal(request, digest)) throw refusedReply("the reply belongs to another request");
  const key = await replyKey(secret, nonce);
  const padded = await unseal(key, concat(reply.subarray(0, REPLY_HEAD), bound), reader.rest);
  wipe(secret, key);
  if (!padded) throw refusedReply("the seal does not verify: it was changed on the way");
  return unpad(padded);
}

/** As RFC 9458, section 4.4: HKDF with the replier's nonce as salt. */
async function replyKey(secret: Bytes, nonce: Bytes): Promise<Bytes> {
  const key = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: nonce, info: utf8("privet tee reply key") };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, 256));
}

/** The only nonce of a key that is used once. */
const ZERO = new Uint8Array(12);

async function seal(key: Bytes, additionalData: Bytes, content: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: ZERO, additionalData }, imported, content));
}

async function unseal(key: Bytes, additionalData: Bytes, sealed: Bytes): Promise<Bytes | undefined> {
  const imported = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["decrypt"]);
  const opened = crypto.subtle.decrypt({ name: "AES-GCM", iv: ZERO, additionalData }, imported, sealed);
  return opened.then((content) => new Uint8Array(content)).catch(() => undefined);
}

/** Its length, the content, and zeros up to the bucket. */
function pad(content: Bytes): Bytes {
  const length = bucketOf(4 + content.length);
  if (length > LONGEST) throw usage("E155", "this is more than one sealed message holds; send fewer rows at a time.");
  const out = new Uint8Array(length);
  out.set(u32(content.length));
  out.set(content, 4);
  return out;
}

function unpad(padded: Bytes): Bytes {
  const reader = new Reader(padded);
  const length = reader.u32();
  const content = length === undefined ? undefined : reader.take(length);
  if (!content) throw malformed("its length is wrong");
  if (reader.rest.some((byte) => byte !== 0)) throw malformed("its padding is not zero");
  return content;
}

/** Padmé: leaves O(log log n) bits of a length and costs at most 12 %. */
export function bucketOf(length: number): number {
  if (length <= SMALLEST) return SMALLEST;
  const exponent = Math.floor(Math.log2(length));
  const kept = Math.floor(Math.log2(exponent)) + 1;
  const unit = 2 ** (exponent - kept);
  return Math.ceil(length / unit) * unit;
}

const malformed = (what: string): PrivetError =>
  refusedReply(`this is not a sealed message of version \`PVE1\`: ${what}`);

const refusedReply = (what: string): PrivetError =>
  integrity("E364", `The reply was refused: ${what}. No answer was released.`);
