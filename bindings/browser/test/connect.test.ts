import assert from "node:assert/strict";
import { test } from "node:test";
import { connect } from "../src/index.ts";
import { PARTIES, code, deployment, manifest } from "./support.ts";

const refused = (json: any, more: object, ...expected: [string, ...string[]]) =>
  assert.throws(() => connect(deployment(json, more)), code(...expected));

/** The small bundle, changed. */
function changed(change: (json: any) => void): any {
  const json = manifest();
  change(json);
  return json;
}

test("a bundle that is not the digest's is refused before anything in it is read", () => {
  refused(manifest(), { digest: "00".repeat(32) }, "E501", "Ask the owner for it again.");
  refused(manifest(), { public: "not JSON" }, "E501");
});

test("a bundle of another format is refused by its number", () => {
  refused(changed((json) => (json.format = 4)), {}, "E231", "it has format 4, this client reads 2 to 3. Load a newer page.");
  refused(changed((json) => (json.format = 1)), {}, "E231", "Make it again");
  refused(changed((json) => (json.version = 0.5)), {}, "E231", "");
});

test("a bundle of the format before is read, and its model is the first version", () => {
  const before = (json: any) => {
    json.format = 2;
    delete json.version;
  };
  assert.equal(typeof connect(deployment(changed(before), {})), "object");
});

test("a bundle whose parts do not fit is refused", () => {
  const unsound: ((json: any) => void)[] = [
    (json) => (json.mpc.head.columns[0].Value.feature = 3),
    (json) => (json.mpc.head.features[0].Raw.element = 3),
    (json) => (json.mpc.head.columns[0] = { Strange: { feature: 0 } }),
    (json) => (json.mpc.tail.spread[0][0] = { Score: 1 }),
    (json) => (json.mpc.tail.outputs[0][1] = 2),
    (json) => json.mpc.numbers.linear.range_exponents.pop(),
    (json) => (json.mpc.numbers.linear.k = 65),
    (json) => (json.mpc.numbers.linear.bound = 0),
    (json) => (json.mpc.numbers = { strange: {} }),
    (json) => (json.mpc.scores = 0),
    (json) => (json.inputs = []),
    (json) => delete json.mpc.head,
    (json) => (json.mpc = null),
  ];
  unsound.forEach((change) => refused(changed(change), {}, "E231"));
  refused(changed((json) => (json.mpc.protocol = "dealer2")), {}, "E231", "`dealer2`");
});

test("an operation that this client does not compute is named", () => {
  refused(changed((json) => (json.mpc.tail.nodes[2].op = { Map: "Erf" })), {}, "E231", "Map(Erf)", "privet gateway");
});

test("endpoints must be https, one for each role, and of the bundle's keys", () => {
  const endpoints = deployment(manifest()).endpoints;
  const other = (more: object) => ({ endpoints: [{ ...endpoints[0]!, ...more }, ...endpoints.slice(1)] });
  refused(manifest(), other({ http_url: "http://party-0.test" }), "E142", "expected `https://HOST:PORT`");
  refused(manifest(), other({ http_url: "https://party-0.test/path" }), "E142");
  refused(manifest(), { endpoints: endpoints.slice(1) }, "E502", "2 endpoints are given for 3 parties");
  refused(manifest(), { endpoints: [] }, "E142");
  refused(manifest(), other({ key: PARTIES[1] }), "E502", "`party-0` is not pinned to the key of `party-0`");
  refused(manifest(), other({ key: "privet1 party-0 short" }), "E312");
  refused(changed((json) => (json.mpc.parties[1] = json.mpc.parties[0])), {}, "E234", "the same machine's key");
  connect(deployment(manifest(), other({ key: PARTIES[0] })));
});

test("kinds are told apart", () => {
  refused(manifest(), { kind: "plain" }, "E142", "its kind is not the bundle's");
  refused(changed((json) => ((json.kind = "he"), (json.mpc = null))), {}, "E231");
});

test("a model says what it is", () => {
  const model = connect(deployment(manifest("input")));
  assert.deepEqual([model.name, model.kind, model.reveal, model.bound], ["m", "mpc", "score", 0.001]);
  assert.deepEqual(model.inputs, [{ name: "x", datatype: "FP32", shape: [-1, 3], columns: ["age", "income", "debt"] }]);
  assert.deepEqual(model.outputPorts.map(({ shape }) => shape), [[-1], [-1, 2]]);
  assert.equal(model.trust[1]![1], "knows the model's weights; it does not see the input or the answer");
  assert.equal(model.trust.at(-1)![0], "repeated questions");
});

test("a deadline must be one", () => {
  for (const deadlineMs of [0, -1, NaN, 2 ** 31]) {
    assert.throws(() => connect(deployment(manifest()), { deadlineMs }), code("E145"));
  }
});
