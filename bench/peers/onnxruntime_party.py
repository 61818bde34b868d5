"""ONNX Runtime as a model of KServe's own server, which speaks the Open Inference Protocol.

KServe reads its ports and limits from the command line itself.
"""

import sys
from multiprocessing.connection import Connection

import onnxruntime
import workload
from kserve import InferOutput, InferResponse, Model, ModelServer


class Session(Model):
    def __init__(self, work):
        super().__init__(work.model)
        self.session = onnxruntime.InferenceSession(str(work.file), providers=["CPUExecutionProvider"])
        self.names = [one.name for one in self.session.get_inputs()], [one.name for one in self.session.get_outputs()]
        self.ready = True

    def predict(self, payload, headers=None, response_headers=None):
        (given,), (wanted,) = self.names
        (answers,) = self.session.run([wanted], {given: payload.inputs[0].as_numpy()})
        output = InferOutput(wanted, list(answers.shape), "FP32")
        output.set_data_from_numpy(answers, binary_data=True)
        return InferResponse(payload.id, self.name, [output])


def main():
    with Connection(int(sys.argv[1])) as pipe:
        model = Session(workload.WORKLOADS[sys.argv[3]])
        pipe.send("made")
    ModelServer().start([model])


if __name__ == "__main__":
    main()
