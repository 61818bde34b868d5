"""One role of CrypTen: the model's owner or the client, who are its two compute parties, or the dealer of triples."""

import io
import os
import threading
import time

import data
import parties
import workload
from onnx import numpy_helper

OWNER, CLIENT, DEALER = range(3)
COMPUTING = 2


def make(number, arguments):
    """CrypTen's defaults, but for the provider of triples: that would be the owner itself."""
    model, rendezvous = arguments
    os.environ |= {"RANK": str(number), "WORLD_SIZE": str(COMPUTING), "RENDEZVOUS": rendezvous}
    import crypten
    import crypten.mpc.provider

    crypten.cfg.mpc.provider = "TTP"
    if number == DEALER:
        return threading.Thread(target=crypten.mpc.provider.TTPServer, daemon=True).start()
    crypten.init()
    return Party(number, workload.WORKLOADS[model])


class Party:
    """A compute party, with the model encrypted by its owner."""

    def __init__(self, number, work):
        import crypten

        self.crypten, self.number, self.work, self.rows = crypten, number, work, None
        self.model = crypten.nn.from_onnx(io.BytesIO(self.file()))
        self.model.eval()
        self.model.encrypt(src=OWNER)

    def file(self):
        """The model; the client has its shape only, with zeros for weights."""
        model = data.model(self.work)
        for one in model.graph.initializer if self.number != OWNER else []:
            value = numpy_helper.to_array(one)
            if value.dtype.kind == "f":
                one.CopyFrom(numpy_helper.from_array(value * 0, one.name))
        return model.SerializeToString()

    def load(self, batch):
        """The client's rows; the owner knows no more than how many there are."""
        import torch

        rows = torch.tensor(data.rows(self.work, batch))
        self.rows = rows if self.number == CLIENT else torch.zeros_like(rows)

    def run(self):
        """One request: the client's rows are shared, the model run, and the answers revealed to the client alone."""
        start = time.perf_counter()
        rows = self.crypten.cryptensor(self.rows, src=CLIENT)
        shared = time.perf_counter()
        shares = self.model(rows)
        ran = time.perf_counter()
        answer = shares.get_plain_text(dst=CLIENT)
        end = time.perf_counter()
        parts = {"sharing_s": shared - start, "protocol_s": ran - shared, "revealing_s": end - ran}
        return {"s": end - start, **parts, "answer": answer.numpy() if self.number == CLIENT else None}

    def count(self):
        """The same, counted by CrypTen."""
        communicator = self.crypten.communicator.get()
        communicator.reset_communication_stats()
        with self.crypten.cfg.temp_override({"communicator.verbose": True}):
            self.run()
        return communicator.get_communication_stats()


if __name__ == "__main__":
    parties.obey(make)
