"""What an operator watches: counts under the names that the dashboard and the alerts use, traces that belong together, `privet top`, and
`privet doctor --links`."""

import http.server
import json
import os
import re
import shutil
import signal
import threading

import numpy as np
import pytest
from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from machines import bundle_of, http as get, infer, peers_of
from support import MODELS, ROOT, Gateway, ok, privet, until

UCI = MODELS / "lr-uci"
X = np.load(UCI / "rows.npz")["features"]
WATCHED = ROOT / "deploy/monitoring"


class Collector(http.server.ThreadingHTTPServer):
    """Takes spans as an OpenTelemetry collector does, read by OpenTelemetry's own definition of the message."""

    def __init__(self):
        self.spans = []
        super().__init__(("127.0.0.1", 0), self.Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.path == "/v1/traces" and self.headers["Content-Type"] == "application/json"
            # OTLP writes ids in hexadecimal, where protobuf's own JSON has base64: they are compared as text below.
            message = json.loads(body)
            for resource in message["resourceSpans"]:
                name = resource["resource"]["attributes"][0]["value"]["stringValue"]
                for scope in resource["scopeSpans"]:
                    for span in scope["spans"]:
                        self.server.spans.append(
                            (name, span["name"], span["traceId"], span["spanId"], span["parentSpanId"], span)
                        )
                        for key in ("traceId", "spanId", "parentSpanId"):
                            span[key] = ""
            json_format.ParseDict(message, ExportTraceServiceRequest())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.shutdown()


def serve(machines, out, env=None):
    for party, machine in enumerate(machines):
        name = "dealer" if (out / "dealer.bundle").exists() and party == 0 else f"party-{party}"
        shutil.copy(out / f"{name}.bundle", machine.folder / "own.bundle")
        peers = "" if name == "dealer" else peers_of(machines, party)
        machine.write('bundle = "own.bundle"\n' + peers)
        machine.serve("dealer" if name == "dealer" else "party", env=env)


def test_the_spans_of_one_prediction_belong_together(parties, collector, tmp_path):
    out = bundle_of(parties, UCI / "model.onnx", tmp_path / "bundle", "--reveal", "probability")
    env = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.server_port}"}
    serve(parties, out, env)
    os.environ.update(env)
    try:
        gateway = Gateway(out / "deployment.toml", tmp_path / "gateway.log")
    finally:
        del os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    until(lambda: all(get(m.url + "/v2/health/ready")[0] == 200 for m in parties))
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    status, _, said = infer(gateway.url, "lr-uci", X[:3], {"traceparent": f"00-{trace}-{parent}-01"})
    assert status == 200, said
    mine = lambda: [span for span in collector.spans if span[2] == trace]  # noqa: E731
    until(lambda: sum(span[1] == "infer" for span in mine()) == 4 and sum(span[1] == "program" for span in mine()) == 3)
    until(lambda: {span[4] for span in mine()} - {span[3] for span in mine()} == {parent})
    by_id = {span[3]: span for span in mine()}
    assert len(by_id) == len(mine()), "two spans have one id"
    services = sorted(span[0] for span in mine() if span[1] == "infer")
    assert services == ["privet-gateway", "privet-party", "privet-party", "privet-party"]
    for _, name, _, _, above, span in mine():
        if name == "infer" and above == parent:
            continue
        # A party's step is within the gateway's question to it, and that within the gateway's own.
        expected = {"infer": "ask", "ask": "infer", "queue": "infer", "compute": "infer", "program": "infer", "step": "program"}[name]
        assert by_id[above][1] == expected, (name, by_id[above][:2])
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
    attributes = [a for span in mine() for a in span[5]["attributes"]]
    assert {a["key"] for a in attributes} <= {
        "privet.model", "privet.version", "privet.platform", "privet.client", "privet.rows", "privet.rounds", "privet.role", "privet.step", "privet.action",
    }  # fmt: skip
    actions = [a["value"]["stringValue"] for a in attributes if a["key"] == "privet.action"]
    assert len(actions) % 3 == 0 and len(set(actions)) > 1, "each party runs the same steps"
    # A caller that does not want its trace kept is obeyed, and one without a trace begins one.
    before = len(collector.spans)
    infer(gateway.url, "lr-uci", X[:3], {"traceparent": f"00-{trace[::-1]}-{parent}-00"})
    infer(gateway.url, "lr-uci", X[:3])
    until(lambda: len(collector.spans) >= before + len(mine()))
    assert not any(span[2] == trace[::-1] for span in collector.spans)
    assert gateway.end() == 0


def test_every_name_that_is_watched_is_one_that_roles_say(parties, tmp_path):
    model = UCI / "model.onnx"
    out = bundle_of(parties, model, tmp_path / "bundle", "--protocol", "dealer2", "--reveal", "probability")
    serve(parties, out)
    ok("predict", "--to", out / "deployment.toml", UCI / "rows.npz", "-o", tmp_path / "a.npz")
    status, _, _ = infer(parties[1].url, "nothing", X[:1])
    assert status == 404
    infer(parties[1].url, "lr-uci", X[:1])  # refused, and so counted
    text = get(parties[1].url + "/metrics")[2]
    families = list(text_string_to_metric_families(text))
    said = {sample.name for family in families for sample in family.samples}
    # Judges of evidence alone have this one; crates/serve/src/metrics.rs tests it.
    said.add("privet_evidence_expiry_days")
    dashboard = json.loads((WATCHED / "grafana-dashboard.json").read_text())
    watched = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    watched += re.findall(r"expr: (.*)", (WATCHED / "alerts.yml").read_text())
    names = {name for expr in watched for name in re.findall(r"\b(?:privet|process)_\w+", expr)}
    assert len(names) > 15 and names <= said, names - said
    # And the reference has just the names that are said.
    told = set(re.findall(r"^\| `(privet_[a-z_]+)`", (ROOT / "docs/reference/metrics.md").read_text(), re.M))
    ours = {family.name for family in families if family.name.startswith("privet_")} | {"privet_evidence_expiry_days"}
    assert told == ours, told ^ ours


def test_top_shows_what_roles_do(parties, tmp_path):
    out = bundle_of(parties, UCI / "model.onnx", tmp_path / "bundle", "--reveal", "probability")
    serve(parties, out)
    to = out / "deployment.toml"
    ok("predict", "--to", to, UCI / "rows.npz", "-o", tmp_path / "a.npz")
    seen = ok("top", "--to", to, "--once", "--every", "0.2", "--json").object
    assert [role["role"] for role in seen["roles"]] == ["bank-a", "bank-b", "auditor"]
    assert all(role["ready"] and role["peers"] == [2, 2] and role["memory_bytes"] > 1e6 for role in seen["roles"])
    parties[1].role.process.send_signal(signal.SIGKILL)
    parties[1].role.process.wait()
    done = privet("top", "--to", to, "--once", "--every", "0.2")
    assert done.code == 4 and "bank-b: E304" in done.text and "NO" in done.text, done
    parties[1].serve("party")


def test_doctor_tells_of_every_direction(parties, tmp_path):
    out = bundle_of(parties, UCI / "model.onnx", tmp_path / "bundle", "--reveal", "probability")
    serve(parties, out)
    until(lambda: all(get(m.url + "/v2/health/ready")[0] == 200 for m in parties))
    done = ok("doctor", "--links", parties[0].config, "--json")
    assert {(l["from"], l["to"], l["up"]) for l in done.object["told"]} == {(1, 0, True), (1, 2, True), (2, 0, True), (2, 1, True)}
    # Party 1 looks for party 2 where nobody is: only those two see it, and doctor at party 0 says so.
    parties[1].role.end()
    wrong = parties[1].config.read_text().replace(f'next = "127.0.0.1:{parties[2].port}"', 'next = "127.0.0.1:9"')
    parties[1].config.write_text(wrong)
    parties[1].serve("party")
    def links():  # noqa: E306
        done = privet("doctor", "--links", parties[0].config, "--json", timeout=30)
        return done, {(l["from"], l["to"]): l for l in done.object["told"]}
    until(lambda: links()[1][1, 2]["detail"].startswith("E304"), 20)
    done, told = links()
    assert done.code == 4 and "127.0.0.1:9" in told[1, 2]["detail"] and "auditor" in told[1, 2]["detail"], told
    assert not told[2, 1]["up"] and told[1, 0]["up"] and told[2, 0]["up"], told


def test_samples_of_monitoring_are_read_by_their_programs():
    import yaml

    scrape = yaml.safe_load((WATCHED / "prometheus.yml").read_text())
    assert scrape["scrape_configs"][0]["scheme"] == "https"
    rules = yaml.safe_load((WATCHED / "alerts.yml").read_text())["groups"][0]["rules"]
    assert all({"alert", "expr", "labels", "annotations"} <= set(rule) for rule in rules)
