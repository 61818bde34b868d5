"""The server of TenSEAL: it has the weights in clear and a context without the secret key."""

import time

import data
import parties
import tenseal as ts
import workload

# A single product needs no rescaling, so one modulus of 54 bits holds the result: 48 bits of scale, and scores below
# 32. SEAL keeps the other for keys. 109 bits are what 128-bit security allows for this degree.
DEGREE = 4096
MODULI = [54, 55]
SCALE_BITS = 24
SLOTS = DEGREE // 2


class Server:
    def __init__(self, _, arguments):
        (weights,) = data.graph(workload.WORKLOADS[arguments[0]])[1].values()
        self.vector, self.matrix = weights[:, 0].tolist(), ts.plain_tensor(weights)

    def trust(self, context):
        self.context = ts.context_from(context)
        self.context.auto_rescale = False

    def row(self, given):
        """One ciphertext per row: a product in the slots, and their sum by rotations."""
        return self.timed(lambda: ts.ckks_vector_from(self.context, given).dot(self.vector))

    def rows(self, given):
        """One ciphertext per feature, with a row in each slot: sums of products, no rotations."""
        return self.timed(lambda: ts.ckks_tensor_from(self.context, given).mm(self.matrix))

    def timed(self, product):
        start = time.perf_counter()
        answer = product().serialize()
        return time.perf_counter() - start, answer


if __name__ == "__main__":
    parties.obey(Server)
