// A server that is played here: it answers what it is told to, in the clear, as a ciphertext may hold anything. What ciphertexts hold
// is for the golden files to say.

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Bytes, concat, hex } from "../src/bytes.ts";
import { digest } from "../src/commitment.ts";
import { elementsOf } from "../src/he/modulus.ts";
import { Key } from "../src/he/key.ts";
import { Packing } from "../src/he/packing.ts";
import { answerBytes, parametersOf } from "../src/he/parameters.ts";
import { Ring } from "../src/he/ring.ts";
import { keyId } from "../src/he/wire.ts";
import { connect } from "../src/index.ts";
import { pack } from "../src/pack.ts";
import { type Tensors, bytes, code, deployment, errorOf, fetchTo, manifestHe } from "./support.ts";

const K = 43;
const BELOW = 57n - BigInt(K);
const FRACTION = 30;
const COLUMNS = 4;
const parameters = (json: any = manifestHe()) => parametersOf(json.he.parameters, K, COLUMNS, 1);
const SIZE = (4096 * (55 + 53)) / 8;
const ROW = [1, 2, 3];

/** The head of a question, read back. */
function read(head: Bytes) {
  const view = new DataView(head.buffer);
  assert.equal(hex(head.subarray(0, 4)), hex(new TextEncoder().encode("PVH1")));
  const part = (at: number) => head.slice(12 + 32 * at, 44 + 32 * at);
  return { rows: view.getUint32(4, true), first: view.getUint32(8, true), bundle: part(0), seed: part(1), id: part(2) };
}

/** Halves of numbers modulo 2^57. */
function packed(numbers: bigint[]): Bytes {
  return concat(pack(48, elementsOf(numbers.map((x) => BigInt.asUintN(48, x)))), pack(9, elementsOf(numbers.map((x) => x >> 48n))));
}

/** Each row's score is its number in its question; all of c1 is zero, so that no key is needed to say so. */
class Server {
  readonly asked: (ReturnType<typeof read> & { key: Bytes | undefined; ciphertexts: Bytes })[] = [];
  private readonly keys = new Set<string>();

  constructor(private readonly most = 8) {}

  readonly answer = (message: Tensors): Tensors | Response => {
    const question = read(message.request!);
    const { rows, id } = question;
    this.asked.push({ ...question, key: message.key, ciphertexts: message.ciphertexts! });
    const count = Math.ceil(rows / this.most);
    assert.equal(message.ciphertexts!.length, count * SIZE);
    if (message.key) {
      assert.equal(hex(keyId(question.bundle, question.seed, message.key)), hex(id));
      this.keys.add(hex(id));
    } else if (!this.keys.has(hex(id))) return errorOf(412, "E361", "refused", "This server does not know the key.");
    const one = (at: number) => {
      const own = Array.from({ length: Math.min(this.most, rows - at * this.most) }, (_, row) => BigInt(at * this.most + row));
      const phases = own.map((score) => BigInt.asUintN(57, ((score << BigInt(FRACTION)) << BELOW) - 5n));
      return concat(new Uint8Array(answerBytes(parameters(), 4096)), packed(phases));
    };
    return { answer: concat(digest(message.request!), ...Array.from({ length: count }, (_, at) => one(at))) };
  };

  forget(): void {
    this.keys.clear();
  }
}

const opened = (server: Server, json: any = manifestHe()) => connect(deployment(json), { fetch: fetchTo(server.answer) });

test("one key serves many questions, and no public polynomial two ciphertexts", async () => {
  const server = new Server();
  const model = opened(server);
  const { outputs, rounds, bytesUp } = await model.outputs({ x: [...ROW, ...ROW] });
  await model.outputs({ x: ROW });
  const [one, two] = server.asked;
  assert.deepEqual([one!.rows, one!.first, two!.rows, two!.first], [2, 1, 1, 2]);
  assert.deepEqual([hex(one!.bundle), hex(one!.id), hex(one!.seed)], [deployment(manifestHe()).digest, hex(two!.id), hex(two!.seed)]);
  assert(one!.key!.length === SIZE && two!.key === undefined);
  assert(hex(one!.ciphertexts) !== hex(two!.ciphertexts));
  const p = Array.from(outputs.p!.data as Float32Array);
  [0.5, 0.5, 1 / (1 + Math.exp(2)), 1 / (1 + Math.exp(-2))].forEach((x, i) => assert(Math.abs(x - p[i]!) < 1e-6, `${p}`));
  assert(rounds === 0 && bytesUp > 2 * SIZE);
  assert.deepEqual([model.assurance, model.bound, model.kind], ["ciphertexts only", 0.001, "he"]);
  assert(model.trust[1]![1].startsWith("has the model; it sees neither"));
});

test("what a form needs is told as of other kinds", () => {
  const ranges = opened(new Server()).ranges().map(({ name, low, high, missing }) => [name, low, high, missing]);
  assert.deepEqual(ranges, [["age", -128, 128, false], ["income", -1024, 1024, false], ["debt", -1024, 1024, true]]);
});

test("many rows go in several calls", async () => {
  const server = new Server();
  const model = opened(server);
  const rows = 60;
  const x = Float32Array.from({ length: 3 * rows }, (_, i) => (i % 5) - 2);
  const { outputs } = await model.outputs({ x });
  assert.deepEqual(server.asked.map(({ rows }) => rows).sort(), [12, 24, 24]);
  const taken = server.asked.flatMap(({ first, rows }) => Array.from({ length: Math.ceil(rows / 8) }, (_, i) => first + i));
  assert.deepEqual(taken.sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(new Set(server.asked.map(({ id }) => hex(id))).size, 1);
  const expected = Array.from({ length: rows }, (_, row) => (row % 24 > 0 ? "yes" : "no"));
  assert.deepEqual(outputs.label!.data, expected);
  x[3 * rows - 3] = 1000;
  await assert.rejects(model.outputs({ x }), code("E105", `Row ${rows}, feature \`age\``));
  assert.equal(server.asked.length, 3);
});

test("a server that does not know the key gets it again, with the rows encrypted anew", async () => {
  const server = new Server();
  const model = opened(server);
  await model.outputs({ x: ROW });
  server.forget();
  await model.outputs({ x: ROW });
  await model.outputs({ x: ROW });
  assert.deepEqual(server.asked.map(({ key, first }) => [Boolean(key), first]), [[true, 1], [false, 2], [true, 3], [false, 4]]);
  assert.equal(new Set(server.asked.map(({ ciphertexts }) => hex(digest(ciphertexts)))).size, 4);
  assert.equal(new Set(server.asked.map(({ id }) => hex(id))).size, 1);
  const never = fetchTo(() => errorOf(412, "E361", "refused", "This server does not know the key."));
  await assert.rejects(connect(deployment(manifestHe()), { fetch: never }).outputs({ x: ROW }), code("E361"));
});

test("what a server says is passed on, and nothing is asked again", async () => {
  for (const [status, its] of [[409, "E342"], [400, "E343"], [400, "E333"]] as const) {
    let asked = 0;
    const fetch = fetchTo(() => (asked++, errorOf(status, its, "refused", "No.")));
    await assert.rejects(connect(deployment(manifestHe()), { fetch }).outputs({ x: ROW }), code(its, "`server` answers: No."));
    assert.equal(asked, 1);
  }
});

test("a key has 4096 answers, and then there is another", async () => {
  const json = manifestHe();
  json.he.parameters.rows = 1024;
  const server = new Server(1024);
  const model = opened(server, json);
  await model.outputs({ x: new Float32Array(3 * 4095) });
  await model.outputs({ x: ROW });
  await model.outputs({ x: ROW });
  const asked = server.asked.sort((a, b) => b.rows - a.rows);
  const keys = asked.map(({ id }) => hex(id));
  assert.deepEqual(asked.map(({ rows, first }) => [rows, first]), [[3072, 1], [1023, 4], [1, 5], [1, 1]]);
  assert(keys[0] === keys[2] && keys[2] !== keys[3] && asked[3]!.key);
});

test("no rows need no server", async () => {
  const { outputs } = await connect(deployment(manifestHe()), { fetch: fetchTo(() => assert(false) as never) }).outputs({ x: [] });
  assert.deepEqual(outputs.p!.shape, [0, 2]);
});

test("replies that are wrong are refused", async () => {
  const wrong = (change: (answer: Bytes) => Tensors, words: string) => {
    const fetch = fetchTo((message) => change((new Server().answer(message) as Tensors).answer!));
    return assert.rejects(connect(deployment(manifestHe()), { fetch }).outputs({ x: ROW }), code("E512", "The server", words));
  };
  await wrong((answer) => ({ other: answer }), "sent no answer");
  await wrong((answer) => ({ answer: answer.slice(0, 31) }), "sent too little");
  await wrong((answer) => ({ answer: answer.slice(0, -1) }), "sent an answer of another length");
  await wrong((answer) => ({ answer: concat(answer, answer.slice(-1)) }), "sent an answer of another length");
  await wrong((answer) => {
    answer[0]! ^= 1;
    return { answer };
  }, "answered another question than the one that was asked");
});

test("parameters that keep no promise are refused", () => {
  const changes: ((parameters: any) => void)[] = [
    (p) => (p.degree = 2048),
    (p) => (p.degree = "toString"),
    // The moduli are not 1 modulo 2·16384.
    (p) => (p.degree = 16384),
    (p) => (p.moduli = []),
    (p) => p.moduli.reverse(),
    (p) => (p.moduli[1] = p.moduli[0]),
    (p) => (p.moduli[1] += 2),
    // 1 modulo 8192, and no prime.
    (p) => (p.moduli[1] -= 8192),
    // Primes of 114 bits, where the standard has 109.
    (p) => (p.moduli = [2 ** 59 - 8191, p.moduli[0]]),
    (p) => (p.moduli = [1]),
    (p) => (p.moduli = [2 ** 60 + 1]),
    (p) => (p.plaintext_bits = 42),
    (p) => (p.answer_bits = 48),
    (p) => (p.answer_bits = 113),
    (p) => (p.rows = 0),
    (p) => (p.rows = 1025),
    (p) => delete p.moduli,
  ];
  for (const change of changes) {
    const json = manifestHe();
    change(json.he.parameters);
    assert.throws(() => connect(deployment(json)), code("E231"));
  }
  const json = manifestHe();
  json.secrets = ["", ""];
  assert.throws(() => connect(deployment(json)), code("E231"));
});

test("moduli of more bits than a page's numbers have are read exactly", () => {
  const text = JSON.stringify(manifestHe().he.parameters).replace(/"moduli":\[\d+/, '"moduli":[36028797018652673');
  const json = JSON.parse(text);
  assert(String(json.moduli[0]) !== "36028797018652673");
  assert.deepEqual(parametersOf(json, K, COLUMNS, 1).moduli, [36028797018652673n, 9007199254429697n]);
});

test("rows stand where they fit", () => {
  const own = parametersOf({ ...manifestHe().he.parameters, degree: 4096, rows: 100 }, K, 30, 3);
  const together = new Packing(own, 30, 3, 33);
  assert.deepEqual([together.scoresInOne, together.rowsInOne, together.products, together.place(2), together.answer(4)], [3, 33, 1, 180, 149]);
  const apart = new Packing(own, 30, 3, 101);
  assert.deepEqual([apart.scoresInOne, apart.products, apart.place(2), apart.answer(4)], [1, 3, 60, 149]);
  assert.deepEqual(apart.ciphertexts, [{ from: 0, to: 100 }, { from: 100, to: 101 }]);
});

test("an answer is decrypted with the key, and the key can be overwritten", async () => {
  const key = await Key.draw(new Ring(parameters()), bytes("00".repeat(32)), (n) => crypto.getRandomValues(new Uint8Array(n)));
  const packing = new Packing(parameters(), COLUMNS, 1, 2);
  // c1 is the number 2^14 alone: the answers are -s at places 3 and 7.
  const one = packed([1n << BELOW, ...new Array<bigint>(4095).fill(0n)]);
  const scores = key.decrypt(packing, 2, concat(one, packed([0n, 0n])))[0]!;
  const signed = scores.map((x) => BigInt.asIntN(K, x));
  assert(signed.every((x) => x >= -1n && x <= 1n), `${signed}`);
  const plaintext = elementsOf(Array.from({ length: 4096 }, () => 7n));
  const drawn: Bytes[] = [];
  await key.encrypt(1, plaintext, (n) => {
    drawn.push(crypto.getRandomValues(new Uint8Array(n)));
    return drawn.at(-1)!;
  });
  assert(plaintext.every((x) => x === 0) && drawn.length === 1 && drawn[0]!.every((x) => x === 0));
  key.wipe();
  const words = Object.values(key).flatMap((part) => (part instanceof Int8Array ? [part] : Array.isArray(part) ? part : []));
  assert(words.length === 3 && words.every((part) => part.every((x: number) => x === 0)));
});
