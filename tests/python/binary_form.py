"""Requests over HTTP whose tensors follow their JSON as bytes."""

import json

# Where tensors begin.
LENGTH = "Inference-Header-Content-Length"


def framed(tensors):
    """A body, and its headers."""
    inputs = [
        {"name": name, "datatype": "UINT8", "shape": [len(data)], "parameters": {"binary_data_size": len(data)}}
        for name, data in tensors
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    return head + b"".join(data for _, data in tensors), {LENGTH: str(len(head))}


def post(connection, model, body, headers):
    """Status, body, and where in it tensors begin."""
    connection.request("POST", f"/v2/models/{model}/infer", body, headers)
    reply = connection.getresponse()
    return reply.status, reply.read(), int(reply.headers.get(LENGTH, 0))
