// The one line in which people exchange a machine's public key: the digest of its TLS key, and its half of agreements.

import { type Bytes, equal, fromBase64 } from "./bytes.ts";
import { integrity, refused, usage } from "./errors.ts";

interface PublicKey {
  name: string;
  tls: Bytes;
  agreement: Bytes;
}

/**
 * The keys of parties must be different, or one machine would be two parties. An endpoint that names a key must name the one in the
 * bundle. (A page cannot pin a key: whom its connections reach is for the browser's certificates to say.)
 */
export function checkParties(lines: string[], endpoints: { name: string; key?: string | null }[]): void {
  const keys = lines.map(parse);
  keys.forEach((key, at) => {
    const other = keys.slice(0, at).find((k) => equal(k.tls, key.tls) || equal(k.agreement, key.agreement));
    if (other) {
      const what = `\`${other.name}\` and \`${key.name}\` are the same machine's key. Each party must be another machine`;
      throw refused("E234", `${what}, or it would hold what only two together may.`);
    }
  });
  if (endpoints.length !== keys.length) {
    throw wrong(`${endpoints.length} endpoints are given for ${keys.length} parties`);
  }
  endpoints.forEach(({ name, key }, at) => {
    if (key && !same(parse(key), keys[at]!)) {
      throw wrong(`Endpoint \`${name}\` is not pinned to the key of \`${keys[at]!.name}\``);
    }
  });
}

const same = (a: PublicKey, b: PublicKey) =>
  a.name === b.name && equal(a.tls, b.tls) && equal(a.agreement, b.agreement);

const wrong = (what: string) =>
  integrity("E502", `${what}, which the bundle names. Nothing was sent. Ask the owner for the deployment's file again.`);

function parse(line: string): PublicKey {
  const [mark, name, letters, ...more] = String(line).trim().split(/\s+/);
  const bytes = fromBase64(letters?.replaceAll("-", "+").replaceAll("_", "/"));
  if (mark !== "privet1" || !name || bytes?.length !== 64 || more.length > 0) {
    const what = "a public key is one line of three words: `privet1 NAME LETTERS`";
    throw usage("E312", `This is not a machine's public key: ${what}. Copy the whole line as \`keygen\` printed it.`);
  }
  return { name, tls: bytes.subarray(0, 32), agreement: bytes.subarray(32) };
}
