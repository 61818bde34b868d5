"""What the peers are: the words of the record for each."""

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """A kind as privet calls it, the protocol in the peer's own word, and in whom one must believe."""

    kind: str
    protocol: str | None
    assurance: str
    packages: tuple
    pythons: tuple = ("3.11", "3.12", "3.13")


# Wheels of SPU and of torch 2.2.2 are for older versions of Python, those of TensorFlow 2.9.1 for yet older ones.
SYSTEMS = {
    "spu": System("mpc", "ABY3", "no two parties collude", ("spu", "jax", "numpy"), ("3.11",)),
    "crypten": System(
        "mpc", "Beaver triples", "owner, client and dealer do not collude", ("crypten", "torch", "numpy"), ("3.11",)
    ),
    "tenseal": System("he", "CKKS", "128 bits; the server is semi-honest", ("tenseal", "numpy")),
    "onnxruntime": System("plain", None, "none", ("onnxruntime", "kserve", "grpcio", "numpy")),
    "tf-encrypted": System(
        "mpc", "ABY3", "no two parties collude", ("tf-encrypted", "tensorflow", "numpy"), ("3.10", "3.9", "3.8")
    ),
    "mp-spdz": System("mpc", "replicated-ring", "no two parties collude", ("numpy",)),
}

# Why a system has no numbers for trees.
NO_TREES = {
    "spu": "SPU runs what JAX compiles and reads no file of trees; the layer above it that has trees (secretflow) has "
    "only pre-releases on PyPI",
    "crypten": "its reader of ONNX has no operator for trees",
}
