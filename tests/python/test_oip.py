"""An outside judge: NVIDIA's `tritonclient`, over HTTP and gRPC, against any plain host over TLS, or a gateway in the clear.

    python test_oip.py --http HOST:PORT --grpc HOST:PORT --ca FILE --model NAME --rows rows.npz --expected expected.npz
    python test_oip.py --http HOST:PORT --grpc HOST:PORT --kind mpc --absolute 1e-4 --model NAME --rows … --expected …

`rows.npz` has one array for each input of the model, `expected.npz` one for each output that is compared, both by
the names of the model's metadata. Ends with status 0 and one line for each check, or with what was different.
"""

import argparse
import json
import ssl
import sys

import numpy as np
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
from tritonclient.utils import InferenceServerException, np_to_triton_dtype, triton_to_np_dtype


class Http:
    """The REST client, with JSON or binary tensors."""

    def __init__(self, address, ca, binary):
        self.name = "http, binary" if binary else "http, JSON"
        self.binary = binary
        context = ca and ssl.create_default_context(cafile=ca)
        tls = {"ssl": True, "ssl_context_factory": lambda: context} if ca else {}
        self.client = triton_http.InferenceServerClient(address, **tls)

    def server_metadata(self):
        return self.client.get_server_metadata()

    def metadata(self, model):
        return self.client.get_model_metadata(model)

    def input(self, name, array, datatype=None):
        tensor = triton_http.InferInput(name, list(array.shape), datatype or np_to_triton_dtype(array.dtype))
        tensor.set_data_from_numpy(array, binary_data=self.binary)
        return tensor

    def output(self, name):
        return triton_http.InferRequestedOutput(name, binary_data=self.binary)


class Grpc:
    """The gRPC client."""

    def __init__(self, address, ca):
        self.name = "grpc"
        self.client = triton_grpc.InferenceServerClient(address, ssl=ca is not None, root_certificates=ca)

    def server_metadata(self):
        return self.client.get_server_metadata(as_json=True)

    def metadata(self, model):
        metadata = self.client.get_model_metadata(model, as_json=True)
        for tensor in metadata["inputs"] + metadata["outputs"]:
            tensor["shape"] = [int(size) for size in tensor.get("shape", [])]
        return metadata

    def input(self, name, array, datatype=None):
        tensor = triton_grpc.InferInput(name, list(array.shape), datatype or np_to_triton_dtype(array.dtype))
        tensor.set_data_from_numpy(array)
        return tensor

    def output(self, name):
        return triton_grpc.InferRequestedOutput(name)


def same(got, expected, what, absolute=1e-6):
    """Labels exactly, numbers within `absolute` and 1e-5 of the expected value."""
    assert got is not None, f"{what} is missing"
    assert got.shape == expected.shape, f"{what}: shape {got.shape}, expected {expected.shape}"
    if np.issubdtype(expected.dtype, np.floating):
        assert np.all(np.isfinite(got)), f"{what}: not all values are finite"
        worst = np.max(np.abs(got - expected) / (absolute + 1e-5 * np.abs(expected)), initial=0)
        assert worst <= 1, f"{what}: off by {worst:.3g} times the tolerance"
    elif expected.dtype.kind in "USO":
        text = [x.decode() if isinstance(x, bytes) else str(x) for x in got.ravel()]
        assert text == [str(x) for x in expected.ravel()], f"{what}: other labels"
    else:
        assert np.array_equal(got, expected), f"{what}: other labels"


def refused(call, what, words=()):
    """The call must end in the client's own exception, with a sentence of ours."""
    try:
        call()
    except InferenceServerException as error:
        text = error.message()
        assert text.rstrip().endswith("."), f"{what}: not a sentence: {text}"
        assert text[0] == "E" and text[1:4].isdigit(), f"{what}: no code: {text}"
        for word in words:
            assert word in text, f"{what}: `{word}` is not in: {text}"
        return
    raise AssertionError(f"{what} was accepted")


class Judge:
    def __init__(self, side, model, rows, expected, kind="plain", absolute=1e-6):
        self.side, self.client, self.model = side, side.client, model
        self.kind, self.absolute = kind, absolute
        self.expected = expected
        metadata = side.metadata(model)
        self.datatypes = {t["name"]: t["datatype"] for t in metadata["inputs"]}
        self.shapes = {t["name"]: t["shape"] for t in metadata["inputs"]}
        self.rows = {name: self.cast(rows[name], t) for name, t in self.datatypes.items()}

    @staticmethod
    def cast(array, datatype):
        return array.astype(np.object_ if datatype == "BYTES" else triton_to_np_dtype(datatype))

    def inputs(self, **changed):
        rows = {**self.rows, **changed}
        return [self.side.input(name, array, self.datatypes.get(name)) for name, array in rows.items()]

    def first_float(self):
        return next((name for name, t in self.datatypes.items() if t in ("FP32", "FP64")), None)

    def check_health(self):
        assert self.client.is_server_live() and self.client.is_server_ready()
        assert self.client.is_model_ready(self.model)
        assert self.client.is_model_ready(self.model, "1")

    def check_server_metadata(self):
        metadata = self.side.server_metadata()
        assert metadata["name"] and metadata["version"], metadata
        assert "binary_tensor_data" in metadata["extensions"], metadata

    def check_model_metadata(self):
        metadata = self.side.metadata(self.model)
        assert metadata["name"] == self.model and metadata["versions"] == ["1"], metadata
        assert metadata["platform"].endswith(f"_{self.kind}"), metadata
        names = {t["name"] for t in metadata["outputs"]}
        assert set(self.expected) <= names, f"outputs {names}, expected {set(self.expected)}"
        for name, array in self.rows.items():
            shape = self.shapes[name]
            assert len(shape) == array.ndim and shape[0] == -1, f"`{name}`: shape {shape} for {array.shape}"

    def check_all_outputs(self):
        reply = self.client.infer(self.model, self.inputs())
        for name, expected in self.expected.items():
            same(reply.as_numpy(name), expected, f"`{name}`", self.absolute)

    def check_requested_outputs(self):
        for name, expected in self.expected.items():
            reply = self.client.infer(self.model, self.inputs(), outputs=[self.side.output(name)])
            same(reply.as_numpy(name), expected, f"`{name}` alone", self.absolute)
            others = [other for other in self.expected if other != name and reply.as_numpy(other) is not None]
            assert not others, f"{others} came too"

    def check_single_rows(self):
        for row in range(min(3, len(next(iter(self.rows.values()))))):
            one = {name: array[row : row + 1] for name, array in self.rows.items()}
            reply = self.client.infer(self.model, self.inputs(**one))
            for name, expected in self.expected.items():
                same(reply.as_numpy(name), expected[row : row + 1], f"`{name}` of row {row}", self.absolute)

    def check_request_id(self):
        reply = self.client.infer(self.model, self.inputs(), request_id="request-17 ü")
        reply = reply.get_response()
        assert (reply["id"] if isinstance(reply, dict) else reply.id) == "request-17 ü"

    def check_unknown_model(self):
        refused(lambda: self.client.infer("no-such-model", self.inputs()), "an unknown model", ["no-such-model"])
        refused(lambda: self.client.infer(self.model, self.inputs(), model_version="999"), "an unknown version", ["999"])
        refused(lambda: self.side.metadata("no-such-model"), "an unknown model's metadata", ["no-such-model"])

    def check_wrong_shape(self):
        name, array = next((n, a) for n, a in self.rows.items())
        wide = np.concatenate([array.reshape(len(array), -1)] * 2, axis=1)
        refused(lambda: self.client.infer(self.model, self.inputs(**{name: wide})), "a wrong shape", [name])

    def check_wrong_name(self):
        array = next(iter(self.rows.values()))
        wrong = [self.side.input("no_such_input", array, next(iter(self.datatypes.values())))]
        refused(lambda: self.client.infer(self.model, wrong), "a wrong input name")

    def check_missing_input(self):
        refused(lambda: self.client.infer(self.model, self.inputs()[1:] or self.inputs() * 2), "a wrong set of inputs")

    def check_not_a_number(self):
        name = self.first_float()
        for value in (np.nan, np.inf, -np.inf):
            if name is None:
                break
            array = self.rows[name].copy()
            array.reshape(-1)[0] = value
            refused(lambda: self.client.infer(self.model, self.inputs(**{name: array})), f"{value}")

    def check_still_there(self):
        self.check_all_outputs()

    def run(self):
        failures = 0
        for check in [c for c in dir(self) if c.startswith("check_") and c != "check_still_there"] + ["check_still_there"]:
            try:
                getattr(self, check)()
                print(f"ok    {self.side.name}: {check[6:].replace('_', ' ')}")
            except Exception as error:  # every check is reported, whatever went wrong
                failures += 1
                print(f"WRONG {self.side.name}: {check[6:].replace('_', ' ')}: {type(error).__name__}: {error}")
        return failures


def strangers_are_refused(http, grpc):
    """Without the certificate, nothing is trusted."""
    failures = 0
    context = ssl.create_default_context()
    client = triton_http.InferenceServerClient(http, ssl=True, ssl_context_factory=lambda: context)
    try:
        client.is_server_live()
        failures += 1
        print("WRONG http: an unknown certificate was accepted")
    except ssl.SSLError:
        print("ok    http: an unknown certificate is refused")
    client = triton_grpc.InferenceServerClient(grpc, ssl=True)
    try:
        client.is_server_live(client_timeout=5)
        failures += 1
        print("WRONG grpc: an unknown certificate was accepted")
    except InferenceServerException:
        print("ok    grpc: an unknown certificate is refused")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--http", required=True, metavar="HOST:PORT")
    parser.add_argument("--grpc", required=True, metavar="HOST:PORT")
    parser.add_argument("--ca", help="the server's certificate, PEM; without it, in the clear")
    parser.add_argument("--kind", default="plain", help="what stands behind it")
    parser.add_argument("--absolute", type=float, default=1e-6, help="how wrong a number may be")
    parser.add_argument("--model", required=True)
    parser.add_argument("--rows", required=True, help=".npz, one array for each input")
    parser.add_argument("--expected", required=True, help=".npz, one array for each output")
    parser.add_argument("--nan-accepted", action="store_true", help="the model imputes missing values")
    args = parser.parse_args()
    rows, expected = (dict(np.load(path, allow_pickle=False)) for path in (args.rows, args.expected))
    sides = [
        Http(args.http, args.ca, binary=True),
        Http(args.http, args.ca, binary=False),
        Grpc(args.grpc, args.ca),
    ]
    if args.nan_accepted:
        del Judge.check_not_a_number
    failures = sum(Judge(side, args.model, rows, expected, args.kind, args.absolute).run() for side in sides)
    if args.ca:
        failures += strangers_are_refused(args.http, args.grpc)
    print(json.dumps({"failures": failures}))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
