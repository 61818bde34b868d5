"""Measures a model in ONNX Runtime behind KServe's server: gRPC with raw contents, from this process as the client."""

import time

import data
import grpc
import numpy as np
import parties
import peer
from kserve.protocol.grpc import grpc_predict_v2_pb2 as messages
from kserve.protocol.grpc.grpc_predict_v2_pb2_grpc import GRPCInferenceServiceStub

LONGEST = 2**30
PATIENCE_S = 60


def main():
    work, addresses = peer.asked(), parties.free_addresses(2)
    ports = [address.rpartition(":")[2] for address in addresses]
    words = ["--grpc_port", ports[0], "--http_port", ports[1], "--workers", 1]
    words += ["--grpc_max_receive_message_length", LONGEST, "--grpc_max_send_message_length", LONGEST]
    crew = parties.Parties("onnxruntime_party.py", ["server"], [work.name, *words])
    stub = connected(addresses[0])
    name = data.model(work).graph.input[0].name
    peer.measure(work, crew, lambda batch: client(stub, work.model, name, data.rows(work, batch)))


def connected(address):
    channel = grpc.insecure_channel(address, [("grpc.max_receive_message_length", LONGEST)])
    stub = GRPCInferenceServiceStub(channel)
    stub.ServerReady(messages.ServerReadyRequest(), timeout=PATIENCE_S, wait_for_ready=True)
    return stub


def client(stub, model, name, rows):
    facts = {"bytes_between": 0, "rounds": 1}
    return lambda: request(stub, model, name, rows, {}), lambda: request(stub, model, name, rows, facts), facts


def request(stub, model, name, rows, sizes):
    start = time.perf_counter()
    tensor = messages.ModelInferRequest.InferInputTensor(name=name, datatype="FP32", shape=rows.shape)
    asked = messages.ModelInferRequest(model_name=model, inputs=[tensor], raw_input_contents=[rows.tobytes()])
    given = stub.ModelInfer(asked)
    answer = np.frombuffer(given.raw_output_contents[0], "<f4").reshape(given.outputs[0].shape)
    took = time.perf_counter() - start
    sizes.update(bytes_up=asked.ByteSize(), bytes_down=given.ByteSize())
    return {"s": took, "answer": answer}


if __name__ == "__main__":
    main()
