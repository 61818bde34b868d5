import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bytes, Reader, concat, hex, u64, utf8 } from "../src/bytes.ts";
import { type Options, connect } from "../src/index.ts";
import { bucketOf } from "../src/tee/channel.ts";
import { verifies } from "../src/tee/hash.ts";
import { sendTo } from "../src/tee/hpke.ts";
import { SIMULATOR_KEY } from "../src/tee/appraise.ts";
import { sha256 } from "../src/tee/hash.ts";
import { type Changes, Enclave, signer } from "./enclave.ts";
import { type Tensors, bytes, code, deployment, errorOf, fetchTo } from "./support.ts";

test("HPKE exports what RFC 9180 has in A.7.1", async () => {
  const secret = bytes("095182b502f1f91f63ba584c7c3ec473d617b8b4c2cec3fad5af7fa6748165ed");
  const own = bytes("e5e8f9bfff6c2f29791fc351d2c25ce1299aa5eaca78a757c0b4fb4bcd830918");
  const pkcs8 = concat(bytes("302e020100300506032b656e04220420"), secret);
  const privateKey = await crypto.subtle.importKey("pkcs8", pkcs8, "X25519", false, ["deriveBits"]);
  const publicKey = await crypto.subtle.importKey("raw", own, "X25519", true, []);
  const receiver = bytes("194141ca6c3c3beb4792cd97ba0ea1faff09d98435012345766ee33aae2d7664");
  const info = bytes("4f6465206f6e2061204772656369616e2055726e");
  const sent = await sendTo(receiver, info, async () => ({ privateKey, publicKey }));
  assert.deepEqual(sent!.encapsulated, own);
  const exported = [
    ["", "7a36221bd56d50fb51ee65edfd98d06a23c4dc87085aa5866cb7087244bd2a36"],
    ["00", "d5535b87099c6c3ce80dc112a2671c6ec8e811a2f284f948cec6dd1708ee33f0"],
    ["54657374436f6e74657874", "ffaabc85a776136ca0c378e5d084c9140ab552b78f039d2e8775f26efff4c70e"],
  ] as const;
  for (const [context, expected] of exported) assert.equal(hex(await sent!.exporter(bytes(context))), expected);
});

test("a key of small order opens no channel", async () => {
  for (const key of ["00", "01"]) assert.equal(await sendTo(bytes(key.padEnd(64, "0")), bytes("")), undefined);
});

test("the simulator's key is the one that everyone can compute", async () => {
  const seed = await sha256(utf8("privet simulator: this key is public and proves nothing"));
  const message = utf8("any");
  assert(await verifies(bytes(SIMULATOR_KEY), message, await (await signer(seed))(message)));
});

test("buckets hold their content and cost little", () => {
  for (let length = 0; length < 70_000; length++) {
    const padded = bucketOf(length);
    assert(padded >= length && (padded === 256 || padded * 100 <= length * 112), `${length} became ${padded}`);
    assert.equal(bucketOf(padded), padded);
  }
  // Of `tee/src/channel/padding.rs`, worked out by hand.
  assert.deepEqual([257, 1000, 2049, 100_000].map(bucketOf), [272, 1024, 2176, 100_352]);
});

const port = (name: string, dtype: string, width: number) => ({ name, dtype, width, flat: false });

function manifest(model: Bytes, tokens: string | null = null): any {
  const tee = { model: hex(model), sealed: "00".repeat(32), version: 3, keys: "00".repeat(32), tokens, simulated: true, longest_text: 3 };
  const [inputs, outputs] = [[port("x", "FP32", 2)], [port("y", "FP32", 1)]];
  return { format: 2, id: "00", name: "m", kind: "tee", reveal: "score", inputs, outputs, mpc: null, tee, secrets: [] };
}

/** An enclave that adds two numbers, its policy, and a deployment of it. */
async function played(mode: "epoch" | "full" = "epoch", tokens: string | null = null) {
  const json = manifest(new Uint8Array(32).fill(9), tokens);
  const enclave = await Enclave.start(bytes(deployment(json).digest));
  const channel = { max_evidence_age: "5m", stamp_keys: [hex(enclave.stamps.raw)] };
  const policy: any = {
    version: 1,
    channel: mode === "epoch" ? channel : {},
    simulator: { accept: true },
    accept: [{ kind: "sim-process", measurement: [`sha256:${hex(enclave.measurement)}`] }],
  };
  enclave.answer = (content) => {
    const reader = new Reader(content);
    const token = reader.take(3)![1]!;
    reader.take(token);
    const rows = reader.u32()!;
    const [x, out] = [new Float32Array(reader.rest.slice(8).buffer), new Float32Array(rows)];
    out.forEach((_, i) => (out[i] = x[2 * i]! + x[2 * i + 1]!));
    return concat(Uint8Array.of(0), u64(4 * rows), new Uint8Array(out.buffer));
  };
  return { json, enclave, policy };
}

type Played = Awaited<ReturnType<typeof played>>;

/** Only what is sealed to the enclave's current key is answered. */
const roleOf = (enclave: Enclave) =>
  async ({ challenge, sealed }: Tensors): Promise<Tensors | Response> => {
    if (challenge) return enclave.present(challenge);
    if (!(await enclave.knows(sealed!))) return errorOf(400, "E361", "refused", "The enclave did not take the request.");
    return { sealed: await enclave.reply(sealed!) };
  };

function open({ json, enclave, policy }: Played, options: Options = {}) {
  const fetch = fetchTo(roleOf(enclave));
  return connect(deployment(json, { policy }), { fetch, dangerousAcceptSimulated: true, ...options });
}

for (const mode of ["epoch", "full"] as const) {
  test(`rows go sealed to a simulated enclave, mode ${mode}`, async () => {
    const all = await played(mode);
    const model = open(all);
    assert.equal(model.assurance, "none");
    const { outputs } = await model.outputs({ x: [1, 2, 3, 4] });
    assert.deepEqual(outputs.y, { datatype: "FP32", shape: [2, 1], data: Float32Array.of(3, 7) });
    assert.equal(model.assurance, "simulated");
    await model.outputs({ x: [1, 2] });
    assert.equal(all.enclave.challenges, 1, "one channel serves for more than one request");
    await all.enclave.newKeys();
    await model.outputs({ x: [1, 2] });
    assert.equal(all.enclave.challenges, 2, "a key that is gone means attesting again");
  });
}

test("many rows go in several messages over one channel", async () => {
  const all = await played();
  const x = Float32Array.from({ length: 2 * 200_000 }, (_, i) => i % 7);
  const { outputs } = await open(all).outputs({ x });
  const y = outputs.y!.data as Float32Array;
  assert.equal(y.length, 200_000);
  assert(y.every((sum, i) => sum === x[2 * i]! + x[2 * i + 1]!));
  assert.equal(all.enclave.challenges, 1);
});

test("without the second deliberate act nothing is sent", async () => {
  const model = open(await played(), { dangerousAcceptSimulated: false });
  await assert.rejects(model.outputs({ x: [1, 2] }), code("E363", "SIMULATED", "Nothing was sent."));
});

test("evidence that does not answer the question is refused", async () => {
  const refused = async (changes: Changes, reason: string, mode: "epoch" | "full" = "epoch") => {
    const all = await played(mode);
    all.enclave.changes = changes;
    await assert.rejects(open(all).outputs({ x: [1, 2] }), code("E362", reason, "nothing was sent"));
  };
  const other = "11".repeat(32);
  await refused({ document: (d) => (d.measurement = other) }, "measurement-unknown");
  await refused({ document: (d) => (d.report_data = "11".repeat(64)) }, "report-data-mismatch");
  await refused({ document: (d) => (d.assurance = "hardware") }, "format-invalid");
  await refused({ statement: (s) => (s.bundle = other) }, "bundle-mismatch");
  await refused({ statement: (s) => (s.model = other) }, "model-mismatch");
  await refused({ statement: (s) => (s.model = null) }, "model-mismatch");
  await refused({ statement: (s) => (s.direction = "enclave-to-keys") }, "direction-mismatch");
  await refused({ statement: (s) => (s.more = 1) }, "unknown field `more`");
  await refused({ statement: (s) => (s.freshness = { mode: "full", nonce: other }) }, "nonce-mismatch", "full");
  await refused({ statement: (s) => (s.freshness.stamp.time -= 301) }, "evidence-too-old");
  await refused({ statement: (s) => (s.freshness.stamp.time -= 1) }, "stamp-untrusted");
  await refused({ statement: (s) => (s.freshness.stamp.time += 100) }, "stamp-in-the-future");
  await refused({ presented: (p) => (p.session = "22".repeat(64)) }, "session-signature-invalid");
  await refused({ presented: (p) => (p.session = null) }, "session-signature-invalid");
  await refused({ presented: (p) => (p.evidence = "e30=") }, "missing field `format`");
  await refused({ evidence: (e) => (e.body = btoa(atob(e.body).replace("none", "more"))) }, "signature-invalid");
});

test("hardware evidence is refused, and the gateway is named", async () => {
  for (const kind of ["sev-snp", "tdx-dcap", "sgx-dcap", "nitro", "tpm2"]) {
    const all = await played();
    all.enclave.changes = { evidence: (e) => (e.kind = kind) };
    await assert.rejects(open(all).outputs({ x: [1, 2] }), code("E362", kind, "privet gateway"));
    all.policy.accept = [{ kind, measurement: ["sha384:00"] }];
    assert.throws(() => open(all), code("E362", kind, "privet gateway"));
  }
});

test("an epoch's evidence is refused where the policy takes none", async () => {
  const all = await played("full");
  const fetch = fetchTo(({ challenge }) => {
    const asked = new TextDecoder().decode(challenge).replace('"full"', '"epoch"');
    return all.enclave.present(utf8(asked));
  });
  await assert.rejects(open(all, { fetch }).outputs({ x: [1, 2] }), code("E362", "epoch-not-accepted"));
});

test("a policy is read strictly", async () => {
  const refused = async (change: (policy: any) => void, ...expected: [string, ...string[]]) => {
    const all = await played();
    change(all.policy);
    assert.throws(() => open(all), code(...expected));
  };
  await refused((p) => (p.roots = []), "E365", "unknown field `roots`");
  await refused((p) => (p.version = 2), "E365");
  await refused((p) => (p.accept = []), "E365");
  await refused((p) => (p.simulator.accept = false), "E365", "both are needed");
  await refused((p) => (p.accept[0].measurement = []), "E365");
  await refused((p) => (p.accept[0].measurement = ["00".repeat(32)]), "E365", "all zeros");
  await refused((p) => (p.accept[0].measurement = ["sha256:*"]), "E365", "no wildcards");
  await refused((p) => (p.accept[0].kind = "sim-process/2"), "E365");
  await refused((p) => (p.accept[0].any = true), "E365");
  await refused((p) => (p.channel.max_evidence_age = "5 m"), "E365");
  await refused((p) => (p.channel.stamp_keys = ["00"]), "E365");
  await refused((p) => (p.transparency = { required: true }), "E365");
  await refused((p) => (p.model = { id: "other" }), "E362", "the policy is about `other`");
  await refused((p) => (p.model = { min_version: 4 }), "E362", "version 3");
  const all = await played();
  assert.throws(() => open({ ...all, policy: null }), code("E362", "without a policy"));
});

test("a model that the policy does not name is refused", async () => {
  const all = await played();
  all.policy.model = { digest: ["sha256:" + "22".repeat(32)] };
  await assert.rejects(open(all).outputs({ x: [1, 2] }), code("E362", "model-unknown"));
});

test("tokens are asked for and shown inside the seal", async () => {
  const all = await played("epoch", "33".repeat(32));
  assert.throws(() => open(all), code("E367", "token"));
  const answer = all.enclave.answer;
  const seen: string[] = [];
  all.enclave.answer = (content) => (seen.push(new TextDecoder().decode(content.slice(3, 9))), answer(content));
  await open(all, { token: "secret" }).outputs({ x: [1, 2] });
  assert.deepEqual(seen, ["secret"]);
});

test("a refusal inside the seal is the enclave's own", async () => {
  const all = await played();
  all.enclave.answer = () => concat(Uint8Array.of(1, 3), utf8("E104Row 1 is missing."));
  const error = await open(all).outputs({ x: [1, 2] }).catch((error) => error);
  assert.equal(`${error.blame} ${error}`, "refused E104 Row 1 is missing.");
});

test("replies that were changed, or answer something else, are refused", async () => {
  const all = await played();
  const role = roleOf(all.enclave);
  let first: Bytes | undefined;
  const changed = (change: (sealed: Bytes) => Bytes) => {
    const fetch = fetchTo(async (tensors) => {
      const answer = (await role(tensors)) as Tensors;
      return answer.sealed ? { sealed: change(answer.sealed) } : answer;
    });
    return open(all, { fetch }).outputs({ x: [1, 2] });
  };
  const flipped = (at: number) => (sealed: Bytes) => {
    sealed[at < 0 ? sealed.length + at : at]! ^= 1;
    return sealed;
  };
  await changed((sealed) => (first = sealed));
  for (const at of [0, 4, 5, 21, 53, 60, -1]) await assert.rejects(changed(flipped(at)), code("E364", "No answer was released."));
  await assert.rejects(changed(() => first!.slice()), code("E364", "belongs to another request"));
  await assert.rejects(changed((sealed) => sealed.slice(0, 40)), code("E364"));
  all.enclave.answer = () => Uint8Array.of(9);
  await assert.rejects(changed((sealed) => sealed), code("E510", "malformed"));
  all.enclave.answer = () => concat(Uint8Array.of(0), u64(8), new Uint8Array(8));
  await assert.rejects(changed((sealed) => sealed), code("E301"));
});
