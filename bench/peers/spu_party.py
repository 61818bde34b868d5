"""One party of SPU: a process that holds shares, runs what it is told to, and hands its share of the answer back.

SPU's package has the runtime but no program around it, so commands and shares come through a pipe of `spu_peer.py`.
"""

import time

import parties
import spu
from spu import libspu

FRACTION_BITS = 18
PATIENCE_MS = 600_000


def config(profile=False):
    """SPU's defaults for everything but the protocol and the ring; its 18 fraction bits are said aloud."""
    found = libspu.RuntimeConfig(protocol=libspu.ProtocolKind.ABY3, field=libspu.FieldType.FM64)
    found.fxp_fraction_bits = FRACTION_BITS
    found.enable_pphlo_profile = profile
    return found


class Party:
    """A runtime that is connected to the two others."""

    def __init__(self, number, addresses):
        desc = libspu.link.Desc()
        desc.recv_timeout_ms = desc.http_timeout_ms = PATIENCE_MS
        for other, address in enumerate(addresses):
            desc.add_party(f"party-{other}", address)
        self.link = libspu.link.create_brpc(desc, number)
        self.runtime, self.executable, self.weights = spu.Runtime(self.link, config()), None, {}

    def load(self, executable):
        self.executable = libspu.Executable()
        self.executable.ParseFromString(executable)

    def keep(self, weights):
        """Shares of the weights, which stay."""
        self.weights = weights
        for name, share in weights.items():
            self.runtime.set_var(name, share)

    def run(self, share):
        self.runtime.set_var("x", share)
        start = time.perf_counter()
        self.runtime.run(self.executable)
        return time.perf_counter() - start, self.runtime.get_var("y")

    def profile(self, share):
        """The same, with SPU's own account of it in the log."""
        usual, self.runtime = self.runtime, spu.Runtime(self.link, config(profile=True))
        self.keep(self.weights)
        self.run(share)
        self.runtime = usual


if __name__ == "__main__":
    parties.obey(Party)
