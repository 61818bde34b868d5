"""What every system computes: the models, what the client gets of their answers, and the rows per request."""

import pathlib
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
NETWORKS = ("spu", "crypten")
FINEST = "1e-5"


@dataclass(frozen=True)
class Workload:
    """A fixture model, the largest error privet may make, and which of privet's kinds and which peers are measured."""

    model: str
    reveal: str
    accuracy: str
    batches: tuple
    peers: tuple = NETWORKS
    kinds: tuple = ("plain", "mpc")
    trees: bool = False

    @property
    def name(self):
        """Ciphertexts are measured at an accuracy of their own beside the others."""
        return f"{self.model}/{self.reveal}" + (f"/{self.accuracy}" if self.accuracy == FINEST else "")

    @property
    def file(self):
        return ROOT / "models" / self.model / "model.onnx"

    @property
    def rows_file(self):
        return ROOT / "models" / self.model / "rows.npz"


LINEAR_BATCHES = (1, 128, 1024, 8192)
SIGMOIDS = (*NETWORKS, "onnxruntime", "tf-encrypted", "mp-spdz")
WORKLOADS = {
    one.name: one
    for one in [
        Workload("lr528-keras", "probability", "1e-3", LINEAR_BATCHES, SIGMOIDS),
        Workload("lr528-keras", "score", "1e-4", LINEAR_BATCHES, (*NETWORKS, "tenseal"), ("plain", "mpc", "he")),
        Workload("lr528-keras", "score", FINEST, (1, 16, 128, 1024, 8192), ("tenseal",), ("plain", "mpc", "tee", "he")),
        Workload("digits-a-torch", "score", "1e-3", (1, 128)),
        Workload("digits-b-torch", "score", "1e-3", (1, 128)),
        Workload("digits-c-torch", "score", "1e-2", (1, 128)),
        Workload("digits-d-torch", "score", "1e-2", (1, 128)),
        Workload("xgboost-classifier", "score", "1e-3", (1, 128), trees=True),
    ]
}
