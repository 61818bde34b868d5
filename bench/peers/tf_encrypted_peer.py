"""Measures a linear model with a sigmoid in TF Encrypted: three servers that run ABY3, and the client's own.

This process tells all four what to do, as TensorFlow has it, and gives the client's rows and the owner's weights.
"""

import time
from collections import OrderedDict

import data
import parties
import peer
import tensorflow as tf
import tf_encrypted as tfe
from tf_encrypted_party import JOB

ROLES = ["server0", "server1", "server2", "client"]


def main():
    work, addresses = peer.asked(), parties.free_addresses(len(ROLES))
    crew = parties.Parties("tf_encrypted_party.py", ROLES, addresses)
    connect(addresses)
    (weights,) = data.graph(work)[1].values()
    predict = function(tfe.define_private_variable(weights))
    peer.measure(work, crew, lambda batch: client(predict, tf.constant(data.rows(work, batch))))


def connect(addresses):
    config = tfe.RemoteConfig(OrderedDict(zip(ROLES, addresses)), JOB)
    tfe.set_config(config)
    config.connect_servers()
    tfe.set_protocol(tfe.protocol.ABY3(*ROLES[:3]))


def function(weights):
    """The sigmoid is the default, of five pieces. What is revealed all three servers know."""

    @tfe.function
    def predict(rows):
        return tfe.sigmoid(tfe.matmul(rows, weights)).reveal().to_native()

    return predict


def client(predict, rows):
    """A number of rows that is new makes TensorFlow trace the function, which may take a minute or two."""
    start = time.perf_counter()
    request(predict, rows)
    facts = {"compile_s": time.perf_counter() - start, "bytes_between": None}
    return lambda: request(predict, rows), lambda: request(predict, rows), facts


def request(predict, rows):
    start = time.perf_counter()
    shares = tfe.define_private_input("client", lambda: rows)
    shared = time.perf_counter()
    answer = predict(shares).numpy()
    end = time.perf_counter()
    return {"s": end - start, "sharing_s": shared - start, "protocol_s": end - shared, "answer": answer}


if __name__ == "__main__":
    main()
