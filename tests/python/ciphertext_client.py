"""A client of a server of the `he` kind, on `ciphertexts.py`: messages, packing and what becomes of answers."""

import base64
import dataclasses
import http.client
import json
import ssl

import numpy as np
import tritonclient.grpc as triton_grpc
from blake3 import blake3

import binary_form
from binary_form import framed
from ciphertexts import Key, Ring, unpack
from support import MODELS, ROOT, deployment

ANSWERS_PER_KEY = 4096
LOW_BITS = 48


@dataclasses.dataclass(frozen=True)
class Question:
    """A message, part by part."""

    rows: int
    first: int
    bundle: bytes
    seed: bytes
    id: bytes
    key: bytes | None
    ciphertexts: bytes

    def head(self):
        numbers = self.rows.to_bytes(4, "little") + self.first.to_bytes(4, "little")
        return b"PVH1" + numbers + self.bundle + self.seed + self.id

    def tensors(self):
        key = [] if self.key is None else [("key", self.key)]
        return [("request", self.head()), *key, ("ciphertexts", self.ciphertexts)]

    def but(self, **changes):
        return dataclasses.replace(self, **changes)


class Server:
    """The server of a deployment, over TLS with the certificate of its folder."""

    def __init__(self, file):
        said, self.file = deployment(file), file
        [endpoint] = said["endpoints"]
        self.name, self.bundle = said["name"], bytes.fromhex(said["digest"])
        self.he = json.loads(said["public"])["he"]
        self.certificate, self.address = file.parent / endpoint["ca"], endpoint["http_url"].split("//")[1]
        context = ssl.create_default_context(cafile=self.certificate)
        self.connection = http.client.HTTPSConnection(self.address, context=context, timeout=20)

    def post(self, body, headers):
        """Status, body, and where in it tensors begin."""
        return binary_form.post(self.connection, self.name, body, headers)

    def ask(self, tensors):
        """The tensor of the answer, or the code of the refusal."""
        status, reply, start = self.post(*framed(tensors))
        if status != 200:
            return refusal(status, reply)
        [output] = json.loads(reply[:start])["outputs"]
        assert output["name"] == "answer" and output["shape"] == [len(reply) - start], output
        return reply[start:]

    def ask_json(self, tensors):
        named = {name: {"datatype": "UINT8", "shape": [len(data)], "data": list(data)} for name, data in tensors}
        inputs = [{"name": name} | tensor for name, tensor in named.items()]
        status, reply, _ = self.post(json.dumps({"inputs": inputs}), {})
        return bytes(json.loads(reply)["outputs"][0]["data"]) if status == 200 else refusal(status, reply)

    def ask_grpc(self, tensors):
        certificate = str(self.certificate)
        with triton_grpc.InferenceServerClient(self.address, ssl=True, root_certificates=certificate) as client:
            inputs = [triton_grpc.InferInput(name, [len(data)], "UINT8") for name, data in tensors]
            for given, (_, data) in zip(inputs, tensors):
                given.set_data_from_numpy(np.frombuffer(data, np.uint8))
            return client.infer(self.name, inputs).as_numpy("answer").tobytes()


def refusal(status, reply):
    """A refusal's code. It is the caller's fault, is a sentence, and is never called a bug."""
    said = json.loads(reply)
    sentence = said["error"]
    assert status == 400 and sentence.startswith(said["code"]) and sentence.endswith("."), (status, said)
    return said["code"]


class Client:
    """Asks a server, under one key."""

    def __init__(self, server):
        self.server, self.he, self.plan = server, server.he, server.he["plan"]
        self.ring = Ring(self.he)
        self.columns, self.scores = len(self.he["head"]["columns"]), self.he["scores"]
        self.key = Key(self.ring, server.bundle)

    def encoded(self, rows):
        """Columns that are features as they are, as integers."""
        plain = [{"Value": {"feature": at, "missing": None}} for at in range(rows.shape[1])]
        assert self.he["head"]["columns"] == plain, "these columns are made of something"
        exponents = self.plan["input_bits"] - np.array(self.plan["range_exponents"])
        return np.rint(np.ldexp(rows.astype(np.float64), exponents)).astype(np.int64).astype(object)

    def packing(self, rows):
        """Scores of one product, and rows of one ciphertext."""
        most, answers = self.ring.parameters["rows"], rows * self.scores
        together = answers * self.columns <= self.ring.degree and answers <= most
        return (self.scores, rows) if together else (1, most)

    def question(self, encoded, with_key=True):
        in_one, most = self.packing(len(encoded))
        first, ciphertexts = self.key.next, []
        for at in range(0, len(encoded), most):
            plaintexts = np.zeros(self.ring.degree, dtype=object)
            for row, values in enumerate(encoded[at : at + most]):
                place = row * self.columns * in_one
                plaintexts[place : place + self.columns] = values
            ciphertexts.append(self.key.encrypt(plaintexts))
        key = self.key.public if with_key else None
        one = (self.key.bundle, self.key.seed, self.key.id, key, b"".join(ciphertexts))
        return Question(len(encoded), first, *one)

    def phases(self, question, answer):
        """By row and score, what stands before rounding: the score times 2^(d-k) modulo 2^d, with all that is wrong with it."""
        assert answer[:32] == blake3(question.head()).digest()
        in_one, most = self.packing(question.rows)
        at, blocks = 32, []
        for start in range(0, question.rows, most):
            rows, products = min(most, question.rows - start), []
            for _ in range(self.scores // in_one):
                c1, at = self.taken(answer, at, self.ring.degree)
                c0, at = self.taken(answer, at, rows * in_one)
                places = range(self.columns - 1, self.ring.degree, self.columns)
                phases = [(x + self.key.times_secret(c1, place)) % (1 << self.ring.d) for x, place in zip(c0, places)]
                products.append(np.array(phases, dtype=object).reshape(rows, in_one))
            blocks.append(np.hstack(products))
        assert at == len(answer), f"{len(answer) - at} bytes are left"
        return np.vstack(blocks)

    def taken(self, answer, at, count):
        """So many numbers modulo 2^d: the low bits of all, then the rest."""
        parts = []
        for bits in (LOW_BITS, self.ring.d - LOW_BITS):
            size = -(-count * bits // 8)
            parts.append(unpack(answer[at : at + size], count, bits))
            at += size
        return parts[0] + (parts[1] << LOW_BITS), at

    def decrypted(self, phases):
        """Scores as signed integers, and errors as shares of half a Δ."""
        below = self.ring.d - self.ring.k
        near = (phases + (1 << (below - 1))) >> below
        errors = np.abs((phases - (near << below)).astype(float)) / 2 ** (below - 1)
        half = 1 << (self.ring.k - 1)
        return (near + half) % (2 * half) - half, errors

    def ask(self, encoded, with_key=True):
        """Scores, errors and the answer's bytes."""
        question = self.question(encoded, with_key)
        answer = self.server.ask(question.tensors())
        assert isinstance(answer, bytes), answer
        return *self.decrypted(self.phases(question, answer)), answer


def integers(folder, columns):
    """What the owner's half of the bundle says: weights, one row a score, and biases."""
    secret = json.loads((folder / "server.bundle").read_text())
    weights, bias = (words(secret[of]) for of in ("weights", "bias"))
    return weights.reshape(-1, columns), bias


def words(text):
    return np.frombuffer(base64.b64decode(text + "=" * (-len(text) % 4)), "<i8").astype(object)


def client_of(running):
    """A client with a key of its own, and the integers of the model that it asks."""
    client = Client(Server(running.deployment))
    return client, *integers(running.folder, client.columns)


def rows_of(name):
    return np.load(MODELS / name / "rows.npz")["features"]


def asking(shared, name):
    """The same of a model in `models/` or `models-extra/`."""
    folder = MODELS / name
    return client_of(shared("he", (folder if folder.exists() else ROOT / "models-extra" / name) / "model.onnx"))
