"""Cases of classical machine learning: trees, linear models and what prepares their columns."""

import numpy as np

from onnx_cases import F32, F64, I64, ML, Case

MODES = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
POSTS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO", "PROBIT"]


def forest(draw, kind, targets, features, modes, signed=True, single=None, sparse=False, missing=True):
    """Attributes of some random trees."""
    lists = {k: [] for k in ["treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "missing_value_tracks_true"]}
    votes = {k: [] for k in ["treeids", "nodeids", "ids", "weights"]}

    def leaf(tree, node):
        for target in range(targets):
            if sparse and draw.maybe(0.5) and target:
                continue
            weight = draw.random.uniform(-1 if signed else 0, 1)
            for name, value in zip(votes, [tree, node, target if single is None else single, round(weight, 3)]):
                votes[name].append(value)
            if single is not None:
                break

    def grow(tree, depth, counter):
        node = counter[0]
        counter[0] += 1
        at = len(lists["nodeids"])
        row = [tree, node, 0, 0.0, "LEAF", 0, 0, 0]
        for name, value in zip(lists, row):
            lists[name].append(value)
        if depth == 0 or draw.maybe(0.15):
            leaf(tree, node)
            return node
        lists["featureids"][at] = draw.random.randrange(features)
        lists["values"][at] = float(draw.choice([-1.0, 0.0, 0.5, 1.0, 2.0]))
        lists["modes"][at] = draw.choice(modes)
        lists["missing_value_tracks_true"][at] = draw.choice([0, 1]) if missing else 0
        lists["truenodeids"][at] = grow(tree, depth - 1, counter)
        lists["falsenodeids"][at] = grow(tree, depth - 1, counter)
        return node

    for tree in range(draw.random.randint(1, 4)):
        grow(tree, draw.random.randint(0, 3), [0])
    attributes = {f"nodes_{k}": v for k, v in lists.items()}
    if not missing:
        del attributes["nodes_missing_value_tracks_true"]
    return attributes | {f"{kind}_{k}": v for k, v in votes.items()}


def table(draw, features, gaps=True):
    x = draw.choice([-1.0, 0.0, 0.5, 1.0, 2.0, 0.25]) + draw.real(9, features)
    x[:5] = np.round(x[:5] * 2) / 2
    if gaps and draw.maybe():
        x[draw.numbers.random(x.shape) < 0.2] = np.nan
    return x.astype(F32)


def modes_of(draw):
    return draw.choice([[m] for m in MODES] + [MODES, MODES[:1], MODES[:2]])


def tree_regressors(draw):
    for _ in range(90):
        features, targets = draw.random.randint(1, 3), draw.random.randint(1, 3)
        sparse = draw.maybe()
        attributes = forest(draw, "target", targets, features, modes_of(draw), sparse=sparse, missing=draw.maybe(0.6))
        attributes["n_targets"] = targets
        attributes["aggregate_function"] = draw.choice(["SUM", "AVERAGE", "MIN", "MAX"])
        if draw.maybe(0.4):
            attributes["base_values"] = [round(draw.random.uniform(-1, 1), 2) for _ in range(targets)]
        if draw.maybe(0.4):
            attributes["post_transform"] = draw.choice(POSTS)
        if draw.maybe(0.1):
            del attributes["aggregate_function"]
        yield Case("TreeEnsembleRegressor", ["x"], {"x": table(draw, features)}, attributes=attributes, opset=draw.choice([1, 3]), domain=ML, rows=True)


def tree_classifiers(draw):
    for _ in range(150):
        features, classes = draw.random.randint(1, 3), draw.choice([2, 2, 2, 3, 4])
        single = draw.choice([None, 0, 1]) if classes == 2 else None
        signed = draw.maybe()
        attributes = forest(draw, "class", classes, features, modes_of(draw), signed, single, draw.maybe(), draw.maybe(0.6))
        if draw.maybe(0.7):
            attributes["classlabels_int64s"] = [int(n) for n in draw.random.sample(range(-3, 9), classes)]
        else:
            attributes["classlabels_strings"] = [f"c{i}" for i in range(classes)]
        if draw.maybe(0.4):
            count = draw.choice([1, classes]) if single is not None else classes
            attributes["base_values"] = [round(draw.random.uniform(-1, 1), 2) for _ in range(count)]
        attributes["post_transform"] = draw.choice(POSTS)
        yield Case("TreeEnsembleClassifier", ["x"], {"x": table(draw, features)}, attributes=attributes, outputs=2, opset=draw.choice([1, 3]), domain=ML, rows=True)


def linear_models(draw):
    for _ in range(90):
        features, classes = draw.random.randint(1, 3), draw.choice([2, 2, 3, 4])
        rows = draw.choice([1, 2]) if classes == 2 else classes
        attributes = {"coefficients": draw.real(rows * features).tolist(), "post_transform": draw.choice(POSTS)}
        if draw.maybe(0.8):
            attributes["intercepts"] = draw.real(rows).tolist()
        if draw.maybe(0.7):
            attributes["classlabels_ints"] = [int(n) for n in draw.random.sample(range(-3, 9), classes)]
        else:
            attributes["classlabels_strings"] = [f"c{i}" for i in range(classes)]
        if draw.maybe(0.3):
            attributes["multi_class"] = draw.choice([0, 1])
        x = {"x": draw.choice([draw.real(7, features), draw.whole(-3, 4, 7, features), draw.whole(-3, 4, 7, features).astype(F32)])}
        yield Case("LinearClassifier", ["x"], x, attributes=attributes, outputs=2, opset=1, domain=ML, rows=True)
        targets = draw.random.randint(1, 3)
        attributes = {"coefficients": draw.real(targets * features).tolist(), "targets": targets}
        if draw.maybe():
            attributes["intercepts"] = draw.real(targets).tolist()
        if draw.maybe(0.6):
            attributes["post_transform"] = draw.choice(POSTS)
        x = {"x": draw.real(7, features)}
        yield Case("LinearRegressor", ["x"], x, attributes=attributes, opset=1, domain=ML, rows=True)


def support_vectors(draw):
    for _ in range(70):
        features, vectors = draw.random.randint(1, 3), draw.random.randint(1, 4)
        kernel = draw.choice(["LINEAR", "LINEAR", "LINEAR", "POLY", "RBF", "SIGMOID"])
        shared = {"kernel_type": kernel, "kernel_params": [0.5, 0.3, 2.0]}
        x = {"x": draw.real(7, features)}
        linear = draw.maybe(0.4)
        attributes = dict(shared, n_supports=0 if linear else vectors, rho=draw.real(1).tolist())
        if linear:
            attributes |= {"coefficients": draw.real(features).tolist()}
        else:
            attributes |= {"coefficients": draw.real(vectors).tolist(), "support_vectors": draw.real(vectors * features).tolist()}
        if draw.maybe(0.2):
            attributes["one_class"] = 1
        yield Case("SVMRegressor", ["x"], x, attributes=attributes, opset=1, domain=ML, rows=True)
        classes = draw.choice([2, 2, 3])
        pairs = classes * (classes - 1) // 2
        attributes = dict(shared, post_transform=draw.choice(POSTS))
        if linear:
            attributes |= {"coefficients": draw.real(classes * features).tolist(), "rho": draw.real(draw.choice([1, classes])).tolist()}
        else:
            counts = [draw.random.randint(1, 2) for _ in range(classes)]
            attributes |= {
                "vectors_per_class": counts, "support_vectors": draw.real(sum(counts) * features).tolist(),
                "coefficients": draw.real((classes - 1) * sum(counts)).tolist(), "rho": draw.real(pairs).tolist(),
            }
            if draw.maybe(0.3):
                attributes |= {"prob_a": draw.real(pairs).tolist(), "prob_b": draw.real(pairs).tolist()}
        if draw.maybe():
            attributes["classlabels_ints"] = list(range(classes))
        else:
            attributes["classlabels_strings"] = [f"c{i}" for i in range(classes)]
        yield Case("SVMClassifier", ["x"], x, attributes=attributes, outputs=2, opset=1, domain=ML, rows=True)
