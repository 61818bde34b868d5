"""What travels: TLS and nothing else, none of it the applicant's numbers, and every change is noticed."""

import numpy as np
import pytest

from proxy import Proxy, tls_records
from support import MODELS, changed, deployment, ok, privet, refused

UCI = MODELS / "lr-uci"
ROWS = UCI / "rows.npz"


@pytest.fixture
def between(shared, tmp_path):
    """A deployment whose first role is reached through a proxy."""
    proxies = []

    def start(kind, role=0, **how):
        file = shared(kind, UCI / "model.onnx").deployment
        url = deployment(file)["endpoints"][role]["grpc_url"]
        proxy = Proxy(url, **how)
        proxies.append(proxy)
        return proxy, changed(file, tmp_path / "deployment.toml", (url, proxy.url))

    yield start
    for proxy in proxies:
        proxy.close()


def traces(rows):
    """Eight bytes at a time that would give the rows away: each value in float64, each two neighbours in float32."""
    values = rows["features"]
    pairs = values[:, :-1], values[:, 1:]
    telling = np.isfinite(pairs[0]) & np.isfinite(pairs[1]) & ((pairs[0] != 0) | (pairs[1] != 0))
    rows, columns = np.nonzero(telling)
    found = {values[r, c : c + 2].astype("<f4").tobytes() for r, c in zip(rows, columns)}
    return found | {np.float64(v).astype("<f8").tobytes() for v in values.ravel() if np.isfinite(v) and v != 0}


def found_in(data, wanted):
    return {data[at : at + 8] for at in range(len(data) - 7)} & wanted


@pytest.mark.parametrize("kind, role", [("plain", 0), ("mpc", 0), ("mpc", 1), ("mpc", 2)])
def test_only_tls_is_seen_and_none_of_the_values(kind, role, between, tmp_path):
    proxy, to = between(kind, role)
    ok("predict", "--to", to, ROWS, "-o", tmp_path / "answers.npz")
    wanted = traces(np.load(ROWS))
    as_sent_in_clear = np.load(ROWS)["features"].tobytes()
    assert found_in(as_sent_in_clear, wanted), "the search finds nothing where there is something"
    # The first party gets two seeds; the others get a share of every row.
    assert len(proxy.seen["up"]) > (500 if (kind, role) == ("mpc", 0) else 10_000), "no request went through the proxy"
    for direction, data in proxy.seen.items():
        types = tls_records(data)
        assert types[0] == 22 and 23 in types, f"{direction}: {types[:5]}"
        assert not found_in(bytes(data), wanted), f"{direction}: values of rows are on the wire"
        for word in (b"features", b"lr-uci", b"ModelInfer"):
            assert word not in data, f"{direction}: {word} is readable"


@pytest.mark.parametrize("kind, role", [("plain", 0), ("mpc", 0), ("mpc", 2)])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_changed_byte_gives_an_error_and_no_answer(kind, role, direction, between, tmp_path):
    # Beyond the handshake; an untouched run tells how many bytes there are.
    proxy, to = between(kind, role)
    ok("predict", "--to", to, ROWS, "-o", tmp_path / "answers.npz")
    place = int(len(proxy.seen[direction]) * 0.8)
    proxy, to = between(kind, role, flip=(direction, place))
    out = tmp_path / "changed.npz"
    done = refused(4, "predict", "--to", to, ROWS, "-o", out, "--deadline", "5", names=["E304", "was lost"])
    assert proxy.flipped and not out.exists() and done.seconds < 3


@pytest.mark.parametrize("place", [60, 150])
def test_a_changed_handshake_gives_an_error_and_no_answer(place, between, tmp_path):
    for direction in ("up", "down"):
        proxy, to = between("mpc", 1, flip=(direction, place))
        done = privet("predict", "--to", to, ROWS, "--deadline", "1")
        assert proxy.flipped and done.code in (4, 5) and done.out == b"", (direction, done)
        assert done.err.startswith("E3") and "`party-1`" in done.err, (direction, done)


def test_somebody_in_the_middle_with_a_key_of_their_own_is_refused(shared, tmp_path):
    """Both ends work; only the pinned key tells that this is another deployment."""
    file, other = (shared("mpc", UCI / "model.onnx", "--name", name).deployment for name in ("ours", "theirs"))
    ours, theirs = (deployment(f)["endpoints"][1]["grpc_url"] for f in (file, other))
    to = changed(file, tmp_path / "deployment.toml", (ours, theirs))
    done = refused(5, "predict", "--to", to, ROWS)
    assert "E311" in done.err and "not the one pinned for `party-1`" in done.err, done
