"""One player of TF Encrypted: a TensorFlow server that has its operators."""

import parties
import tensorflow as tf
import tf_encrypted  # noqa: F401, brings the operators

JOB = "tfe"


class Player:
    def __init__(self, number, addresses):
        self.server = tf.distribute.Server({JOB: addresses}, JOB, number)


if __name__ == "__main__":
    parties.obey(Player)
