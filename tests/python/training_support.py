"""What a private training should come to: the same schedule in numpy and float64, written from the agreement alone."""

import csv
import dataclasses
import json
import math
import pathlib

import blake3
import numpy as np
import onnx
import pyarrow.parquet as pq

GOLDEN, WORD = 0x9E3779B97F4A7C15, (1 << 64) - 1
# No quotient of Adam moves a weight by more than so many times the rate.
FARTHEST = 8


@dataclasses.dataclass
class Judgement:
    step: int
    loss: float
    auc: float | None  # of the scores as they are
    told: tuple[float, float]  # from where to where the lead may be told that it is
    best: bool


@dataclasses.dataclass
class Result:
    weights: np.ndarray
    intercept: float
    step: int  # of the state that is the result
    steps: int  # that were made
    judgements: list[Judgement]
    judging: np.ndarray  # the rows that judge
    after: dict[int, np.ndarray]  # by judged step: all weights, the constant last

    @property
    def best(self):
        return next(judgement for judgement in self.judgements if judgement.step == self.step)


def plain(agreement: dict, prepared: np.ndarray, labels: np.ndarray) -> Result:
    """Trains on rows that all lie in one place. Noise is left out."""
    return Training(agreement, prepared, labels).train()


class Training:
    def __init__(self, agreement, prepared, labels):
        self.schedule, self.model = agreement["training"], agreement["model"]
        self.constant = self.model.get("intercept", False)
        ones = np.ones((len(prepared), int(self.constant)))
        self.rows, self.labels = np.hstack([np.asarray(prepared, float), ones]), np.asarray(labels, float)
        self.order = Order(self.schedule, len(self.rows))
        self.weights = np.zeros(self.rows.shape[1])
        adam = self.schedule["optimiser"] != "sgd"
        self.optimiser = Adam(agreement, len(self.weights)) if adam else lambda step, g: self.schedule["rate"] * g

    def train(self):
        batches, batch = self.order.batches, self.schedule["batch"]
        steps, every = batches * self.schedule["epochs"], self.schedule.get("judge_every", batches)
        at_once = self.schedule.get("steps_at_once", 64)
        judgements, after, best, step = [], {0: self.weights}, None, 0
        while step < steps:
            for at in range(step, until := min(step + at_once, (step // every + 1) * every, steps)):
                self.weights = self.weights - self.optimiser(at + 1, self.gradient(self.order.step(at)))
            most = self.model.get("most_weight", 16.0)
            self.weights, step = np.clip(self.weights, -most, most), until
            if step % every and step != steps or not len(self.order.judging):
                continue
            after[step] = self.weights
            judgement = self.judge(step)
            judgement.best = best is None or judgement.loss < best.loss
            judgements.append(judgement)
            best = judgement if judgement.best else best
            if (step - best.step) // every >= self.schedule.get("patience", math.inf):
                break
        result = best.step if best else step
        after[step] = self.weights
        weights = after[result]
        own = len(weights) - int(self.constant)
        constant = float(weights[own]) if self.constant else 0.0
        return Result(weights[:own], constant, result, step, judgements, self.order.judging, after)

    def gradient(self, at):
        rows, penalised = self.rows[at], self.weights.copy()
        if self.constant:
            penalised[-1] = 0
        residuals = self.residuals(rows @ self.weights, self.labels[at])
        return rows.T @ residuals / len(rows) + self.schedule.get("l2", 0) * penalised

    def residuals(self, scores, labels):
        if self.model["loss"] == "logistic":
            return sigmoid(scores) - labels
        most = self.model["loss"]["squares"]["most"]
        return np.clip(scores - labels, -most, most)

    def judge(self, step):
        scores, labels = self.rows[self.order.judging] @ self.weights, self.labels[self.order.judging]
        if self.model["loss"] != "logistic":
            residuals = scores - labels
            within = self.residuals(scores, labels)
            return Judgement(step, float(np.mean(within * (2 * residuals - within)) / 2), None, (0, 1), True)
        loss = float(np.mean(np.logaddexp(0, scores) - labels * scores))
        return Judgement(step, loss, area(scores, labels), told(scores, labels), True)


class Adam:
    """With ε inside of the root, as a constant beside the decaying sum of squared gradients."""

    def __init__(self, agreement, columns):
        self.rate, choice = agreement["training"]["rate"], agreement["training"]["optimiser"]["adam"]
        # Factors have 14 fraction bits.
        self.decays = [round(choice[name] * 2**14) / 2**14 for name in ("first", "second")]
        batch = agreement["training"]["batch"]
        # The gradient is a sum over the batch, divided by the power of two above it.
        self.scale = batch / 2 ** math.ceil(math.log2(batch))
        self.epsilon = epsilon(agreement, self.decays)
        self.sums = np.zeros((2, columns))

    def __call__(self, step, gradient):
        gradient = gradient * self.scale
        first, second = self.decays
        self.sums = np.array([first * self.sums[0] + gradient, second * self.sums[1] + gradient**2])
        averages = [(1 - decay) / (1 - decay**step) for decay in self.decays]
        return self.rate * averages[0] * self.sums[0] / np.sqrt(averages[1] * (self.sums[1] + self.epsilon))


def epsilon(agreement, decays):
    """All roundings that the sum of squares remembers, twice: a unit of it follows from the bits of a gradient that fit."""
    remembered = 1 / (1 - decays[1])
    low = outward(remembered)
    model, schedule = agreement["model"], agreement["training"]
    residual = 1 + 2**-12 if model["loss"] == "logistic" else model["loss"]["squares"]["most"]
    weight = model["most_weight"] + 2**-24 + schedule["steps_at_once"] * (schedule["rate"] * FARTHEST + 2**-23)
    for bits in range(20, 11, -1):
        most = (model["largest"] + 2**-12) * residual + 2 * 2**-bits + schedule.get("l2", 0) * weight
        unit, squares = 2 * bits - 14, most**2 * remembered + 1
        high = outward(squares) + unit
        # The root goes by four bits, and has two beyond what is needed.
        fits = -(high - low) % 4 <= 2 and high + 14 <= 62
        if fits and outward(most / (1 - decays[0]) + 1) + bits + 14 <= 62:
            return 2 * 2**low * 2.0**-unit
    raise ValueError("no bits fit")


def outward(x):
    return math.ceil(math.log2(x))


class Order:
    """Which rows a step takes: a shuffle that sets apart those that judge, and one for each epoch."""

    def __init__(self, schedule, rows):
        self.seed, self.batch = schedule.get("seed", 0), schedule["batch"]
        judging = math.floor(rows * schedule.get("validation", 0.1) + 0.5)
        all_rows = shuffled(np.arange(rows), self.seed)
        self.training, self.judging = all_rows[: rows - judging], all_rows[rows - judging :]
        self.batches, self.epoch = len(self.training) // self.batch, None

    def step(self, step):
        epoch, at = divmod(step, self.batches)
        if self.epoch != epoch:
            self.epoch, self.now = epoch, shuffled(self.training, self.seed + (epoch + 1) * GOLDEN)
        return self.now[at * self.batch : (at + 1) * self.batch]


def shuffled(rows, seed):
    """Fisher and Yates, from the last place to the second, with SplitMix64."""
    left = np.arange(len(rows), 1, -1, dtype=np.uint64)
    z = np.uint64(seed & WORD) + np.arange(1, len(left) + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        z = (z ^ (z >> np.uint64(shift))) * np.uint64(factor)
    others = ((z ^ (z >> np.uint64(31))) % left).tolist()
    rows = rows.tolist()
    for at, other in zip(range(len(rows) - 1, 0, -1), others):
        rows[at], rows[other] = rows[other], rows[at]
    return np.array(rows, dtype=int)


def sigmoid(scores):
    return 1 / (1 + np.exp(-scores))


def area(scores, labels):
    """Under the curve: how many pairs of a one and a zero are in order; those that are equal count half."""
    ones, zeros = scores[labels == 1], np.sort(scores[labels == 0])
    if not len(ones) or not len(zeros):
        return None
    below, upto = np.searchsorted(zeros, ones, "left"), np.searchsorted(zeros, ones, "right")
    return float((below + upto).sum() / 2 / len(ones) / len(zeros))


def told(scores, labels, off=1 / 256):
    """The least and the greatest area by intervals of an eighth, as parties see scores, each of which may be off by so much."""
    towards = np.where(labels == 1, -off, off)
    return tuple(area(np.clip(np.floor((scores + sign * towards) * 16), -128, 127), labels) for sign in (1, -1))


def read_rows(path, columns):
    """Columns of a CSV or Parquet file in float64, what is missing as NaN."""
    path = pathlib.Path(path)
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return np.stack([table[name].to_pandas().to_numpy(float) for name in columns], axis=1)
    with open(path, newline="") as file:
        lines = list(csv.DictReader(file))
    return np.array([[float(line[name] or "nan") for name in columns] for line in lines])


class Preparation:
    """`preparation.json`, as it says itself."""

    def __init__(self, path, columns):
        known = {feature["name"]: feature for feature in json.loads(pathlib.Path(path).read_text())["features"]}
        of = lambda key: np.array([known[name][key] for name in columns])
        self.fill, self.low, self.high, self.mean, self.scale = map(of, ("fill", "low", "high", "mean", "scale"))

    def clipped(self, rows):
        """Filled and clipped, not scaled."""
        return np.clip(np.where(np.isfinite(rows), rows, self.fill), self.low, self.high)

    def __call__(self, rows):
        return (self.clipped(rows) - self.mean) / self.scale


def matched(training_id, key_file, ids):
    """By owner, the places of the rows that all have, in the order of their tags."""
    key = bytes.fromhex(pathlib.Path(key_file).read_text().splitlines()[-1])
    tag = lambda one: blake3.blake3(f"{training_id}\0{one}".encode(), key=key).digest(length=16)
    places = [{tag(one): at for at, one in enumerate(own)} for own in ids]
    common = sorted(set(places[0]).intersection(*places[1:]))
    return [[own[tag] for tag in common] for own in places]


def weights_of(path):
    """Weights and constant of `model.onnx`."""
    held = {one.name: onnx.numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer}
    return held["weights"].ravel().astype(float), float(held["bias"].item()) if "bias" in held else 0.0
