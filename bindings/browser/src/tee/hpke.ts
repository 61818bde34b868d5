// HPKE (RFC 9180) in base mode, export only: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256.

import { type Bytes, concat, utf8, wipe } from "../bytes.ts";
import { ours } from "../errors.ts";
import { unsupported } from "./hash.ts";

const KEM = suite("KEM", 0x0020);
const HPKE = suite("HPKE", 0x0020, 0x0001, 0xffff);
/** In place of no salt: HMAC pads a short key with zeros, and some browsers refuse an empty one. */
const NONE = new Uint8Array(32);
const EMPTY = new Uint8Array(0);

/** Exports the same keys as the receiver: `context` is what one of them is for. */
export type Exporter = (context: Bytes) => Promise<Bytes>;

export interface Sent {
  /** What the receiver needs to come to the same context. */
  encapsulated: Bytes;
  exporter: Exporter;
}

/** A fresh context for sending to `receiver`; nothing if that is no usable point. */
export async function sendTo(
  receiver: Bytes,
  info: Bytes,
  ephemeral: () => Promise<CryptoKeyPair> = generate,
): Promise<Sent | undefined> {
  const pair = await ephemeral();
  const encapsulated = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const agreed = await agree(pair.privateKey, receiver);
  return agreed && { encapsulated, exporter: await exporterOf(agreed, concat(encapsulated, receiver), info) };
}

/** What both sides come to: from what they agreed on (which is overwritten), their public keys, and the info. */
export async function exporterOf(agreed: Bytes, keys: Bytes, info: Bytes): Promise<Exporter> {
  const prk = await extract(KEM, NONE, "eae_prk", agreed);
  const shared = await expand(KEM, prk, "shared_secret", keys);
  const secret = await schedule(shared, info);
  wipe(agreed, prk, shared);
  return (context) => expand(HPKE, secret, "sec", context);
}

async function generate(): Promise<CryptoKeyPair> {
  const pair = await crypto.subtle.generateKey("X25519", false, ["deriveBits"]).catch(unsupported);
  if (!pair) throw ours("E901", "The browser made no key. Nothing was sent.");
  return pair as CryptoKeyPair;
}

/** A point of small order would give zeros, which everyone knows. */
async function agree(own: CryptoKey, other: Bytes): Promise<Bytes | undefined> {
  const key = await crypto.subtle.importKey("raw", other, "X25519", false, []).catch(unsupported);
  const bits = key && (await crypto.subtle.deriveBits({ name: "X25519", public: key }, own, 256).catch(unsupported));
  const shared = bits ? new Uint8Array(bits) : EMPTY;
  return shared.some((byte) => byte !== 0) ? shared : undefined;
}

/** The key schedule of mode 0, as far as the secret from which keys are exported. */
async function schedule(secret: Bytes, info: Bytes): Promise<Bytes> {
  const id = await extract(HPKE, NONE, "psk_id_hash", EMPTY);
  const context = concat(Uint8Array.of(0), id, await extract(HPKE, NONE, "info_hash", info));
  const prk = await extract(HPKE, secret, "secret", EMPTY);
  return expand(HPKE, prk, "exp", context);
}

const extract = (suite: Bytes, salt: Bytes, label: string, material: Bytes): Promise<Bytes> =>
  hmac(salt, concat(utf8("HPKE-v1"), suite, utf8(label), material));

/** 32 bytes, which is one block of HKDF. */
const expand = (suite: Bytes, prk: Bytes, label: string, info: Bytes): Promise<Bytes> =>
  hmac(prk, concat(Uint8Array.of(0, 32), utf8("HPKE-v1"), suite, utf8(label), info, Uint8Array.of(1)));

async function hmac(key: Bytes, message: Bytes): Promise<Bytes> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, message));
}

function suite(name: string, ...ids: number[]): Bytes {
  return concat(utf8(name), Uint8Array.from(ids.flatMap((id) => [id >>> 8, id & 255])));
}
