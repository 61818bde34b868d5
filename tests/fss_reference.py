"""Function secret sharing a second time, from the papers' equations: what `crates/mpc/src/fss` is held to, bit for bit.

    python tests/fss_reference.py        writes crates/mpc/tests/golden/fss-v1.json

| what | from |
|---|---|
| comparison: Gen and Eval of figure 1 | Boyle et al., EUROCRYPT 2021 (eprint 2020/1392) |
| point: the half tree of two sides that differ by Δ on the path | Guo et al., EUROCRYPT 2023 (eprint 2022/1431) |
| up to x: the parity of the left siblings on the path to x | Storrier et al.: Grotto, CCS 2023 (eprint 2023/108) |
| the hash: MMO^ with σ(l, r) = (l ⊕ r, l) | Guo et al., S&P 2020 (eprint 2019/074) |
| AES-128 | FIPS 197 |

It works on one key at a time and on whole numbers, and needs nothing but Python. What the papers leave open is as the modules of
`crates/mpc/src/fss` document it: the tweak, the order of bytes and words, the last bit of a block as its control bit, and the last
seven levels of a point as one block.
"""

import functools
import hashlib
import json
import pathlib

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "crates/mpc/tests/golden/fss-v1.json"
BITS = [1, 2, 7, 8, 9, 16, 31, 43, 64]
KEYS = 4
WORD = (1 << 64) - 1
LEFT, RIGHT, LEFT_VALUE, RIGHT_VALUE, LEAF = range(5)
BLOCK_BITS = 7


# FIPS 197.


def times_x(a):
    return a << 1 ^ (0x11B if a & 0x80 else 0)


def substitutions():
    """The S-box, section 5.1.1: the inverse in GF(2^8), and an affine map. 3 generates the field, so its powers give all inverses."""
    powers = [1]
    while len(powers) < 255:
        powers.append(powers[-1] ^ times_x(powers[-1]))
    inverse = {0: 0} | {power: powers[-i % 255] for i, power in enumerate(powers)}
    turned = lambda b, by: (b << by | b >> 8 - by) & 0xFF
    return [0x63 ^ b ^ turned(b, 1) ^ turned(b, 2) ^ turned(b, 3) ^ turned(b, 4) for b in (inverse[a] for a in range(256))]


SBOX = substitutions()


def round_keys(key):
    """Section 5.2: eleven of 16 bytes."""
    words, constant = [list(key[i : i + 4]) for i in range(0, 16, 4)], 1
    while len(words) < 44:
        last = words[-1]
        if len(words) % 4 == 0:
            last = [SBOX[b] for b in last[1:] + last[:1]]
            last[0] ^= constant
            constant = times_x(constant)
        words.append([a ^ b for a, b in zip(words[-4], last)])
    return [sum(words[i : i + 4], []) for i in range(0, 44, 4)]


def mixed(column):
    """MixColumns, section 5.1.3, of one column."""
    following = column[1:] + column[:1]
    rest = [column[(i + 2) % 4] ^ column[(i + 3) % 4] for i in range(4)]
    return [times_x(a) ^ times_x(b) ^ b ^ r for a, b, r in zip(column, following, rest)]


def aes128(keys, block):
    """Section 5.1. Byte 4·c + r of a block is in row r of column c."""
    state = [a ^ k for a, k in zip(block, keys[0])]
    for number, key in enumerate(keys[1:], 1):
        shifted = [SBOX[state[(4 * c + 4 * r + r) % 16]] for c in range(4) for r in range(4)]
        if number < 10:
            shifted = sum((mixed(shifted[i : i + 4]) for i in range(0, 16, 4)), [])
        state = [a ^ k for a, k in zip(shifted, key)]
    return bytes(state)


# The hash.


class Hash:
    """H(x, i) = π(σ(x ⊕ i)) ⊕ σ(x ⊕ i), where i counts keys, levels and parts."""

    def __init__(self, key):
        self.keys = round_keys(key)

    # What was hashed at one point is met again at the next.
    @functools.cache
    def __call__(self, x, key, level, part):
        x ^= key << 16 | level << 3 | part
        left, right = x >> 64, x & WORD
        mixed = (left ^ right) << 64 | left
        return int.from_bytes(aes128(self.keys, mixed.to_bytes(16, "little")), "little") ^ mixed


# Comparison: figure 1.


class Comparison:
    """Of one key: β where x < α, 0 elsewhere, in Z_{2^64} to the power of so many words."""

    def __init__(self, hash, number, bits, words):
        self.hash, self.number, self.bits, self.words = hash, number, bits, words

    def expand(self, s, level):
        """G(s) = s^L, v^L, t^L, s^R, v^R, t^R, the values converted already."""
        h = lambda part: self.hash(s, self.number, level, part)
        left, right = h(LEFT), h(RIGHT)
        sides = (left, h(LEFT_VALUE)), (right, h(RIGHT_VALUE))
        return [(seed & ~1, self.convert(value), seed & 1) for seed, value in sides]

    def convert(self, block):
        """Words of a block, the low one first."""
        return [block >> 64 * w & WORD for w in range(self.words)]

    def leaf(self, s):
        return self.convert(self.hash(s, self.number, self.bits, LEAF))

    def gen(self, alpha, beta, roots):
        """CW_1 to CW_n, each as s_CW, V_CW, t_CW^L, t_CW^R; and CW_{n+1}."""
        s, t = [root & ~1 for root in roots], [0, 1]
        v_alpha, words, levels = [0] * self.words, range(self.words), []
        for level in range(self.bits):
            bit = alpha >> self.bits - 1 - level & 1
            keep, lose = bit, 1 - bit
            g = [self.expand(s[b], level) for b in (0, 1)]
            s_cw = g[0][lose][0] ^ g[1][lose][0]
            sign = -1 if t[1] else 1
            v_cw = [sign * (g[1][lose][1][w] - g[0][lose][1][w] - v_alpha[w]) for w in words]
            if lose == 0:
                v_cw = [v_cw[w] + sign * beta[w] for w in words]
            v_alpha = [v_alpha[w] - g[1][keep][1][w] + g[0][keep][1][w] + sign * v_cw[w] for w in words]
            t_cw = [g[0][0][2] ^ g[1][0][2] ^ bit ^ 1, g[0][1][2] ^ g[1][1][2] ^ bit]
            levels.append((s_cw, [v & WORD for v in v_cw], *t_cw))
            s = [g[b][keep][0] ^ (s_cw if t[b] else 0) for b in (0, 1)]
            t = [g[b][keep][2] ^ (t[b] & t_cw[keep]) for b in (0, 1)]
        sign, ends = -1 if t[1] else 1, [self.leaf(one) for one in s]
        return levels, [sign * (ends[1][w] - ends[0][w] - v_alpha[w]) & WORD for w in words]

    def eval(self, side, root, levels, last, x):
        """This side's share at x."""
        s, t, v, words = root & ~1, side, [0] * self.words, range(self.words)
        sign = -1 if side else 1
        for level, (s_cw, v_cw, *t_cw) in enumerate(levels):
            child = x >> self.bits - 1 - level & 1
            seed, value, control = self.expand(s, level)[child]
            v = [v[w] + sign * (value[w] + t * v_cw[w]) for w in words]
            s, t = seed ^ (s_cw if t else 0), control ^ (t & t_cw[child])
        end = self.leaf(s)
        return [v[w] + sign * (end[w] + t * last[w]) & WORD for w in words]


# Point: half trees.


class Point:
    """Of one key: whether α ≤ x, as a bit of either side whose exclusive or is the answer."""

    def __init__(self, hash, number, bits):
        self.hash, self.number, self.bits, self.levels = hash, number, bits, max(bits - BLOCK_BITS, 0)

    def children(self, node, level, cw):
        """Both, of a node s‖t and CW: H(s‖t) ⊕ t·CW, and s‖t more."""
        left = self.hash(node, self.number, level, LEFT) ^ (cw if node & 1 else 0)
        return [left, left ^ node]

    def last(self, node, cw):
        """The block of a node after the last level."""
        return self.hash(node, self.number, self.bits, LEAF) ^ (cw if node & 1 else 0)

    def place(self, x):
        """Of x in its block, whose bits count from the least."""
        return x & (1 << min(self.bits, BLOCK_BITS)) - 1

    def gen(self, alpha, roots):
        """CW of every level, and that of the last block."""
        nodes, cws = list(roots), []
        delta = nodes[0] ^ nodes[1]
        for level in range(self.levels):
            bit = alpha >> self.bits - 1 - level & 1
            hashed = [self.hash(node, self.number, level, LEFT) for node in nodes]
            cws.append(hashed[0] ^ hashed[1] ^ (0 if bit else delta))
            nodes = [self.children(node, level, cws[-1])[bit] for node in nodes]
            assert nodes[0] ^ nodes[1] == delta and delta & 1
        ends = [self.last(node, 0) for node in nodes]
        return [*cws, ends[0] ^ ends[1] ^ 1 << self.place(alpha)]

    def eval(self, root, cws, x):
        """This side's parity of what lies up to x: the left siblings of its path, and the bits of its block."""
        node, parity = root, 0
        for level in range(self.levels):
            both, child = self.children(node, level, cws[level]), x >> self.bits - 1 - level & 1
            parity ^= child & both[0]
            node = both[child]
        block = self.last(node, cws[-1])
        return (parity ^ sum(block >> i for i in range(self.place(x) + 1))) & 1


# The vectors.


def drawn(bits, *label):
    """A number that follows from its label alone."""
    digest = hashlib.sha256("/".join(map(str, ("fss-v1", *label))).encode()).digest()
    return int.from_bytes(digest, "little") & (1 << bits) - 1


def alphas_of(bits, name):
    """The least, the greatest, and others."""
    return [0, (1 << bits) - 1, *(drawn(bits, name, bits, "alpha", i) for i in range(2, KEYS))]


def points_of(bits, name, alphas):
    """Of each key: around α, the extremes, and any."""
    near = [[alpha + by & (1 << bits) - 1 for alpha in alphas] for by in (-1, 0, 1)]
    anywhere = [drawn(bits, name, bits, "x", i) for i in range(KEYS)]
    return [*near, [0] * KEYS, [(1 << bits) - 1] * KEYS, anywhere]


def roots_of(bits, name):
    """Two random words of each side's keys, and the roots that they are: the last bit is the side's."""
    random = [[drawn(128, name, bits, "root", side, i) for i in range(KEYS)] for side in (0, 1)]
    return random, [[block & ~1 | side for block in random[side]] for side in (0, 1)]


def hexes(numbers, digits=16):
    return "".join(f"{number:0{digits}x}" for number in numbers)


def comparison(bits, words):
    name = f"comparison of {words}"
    key, alphas = drawn(128, name, bits, "hash").to_bytes(16, "little"), alphas_of(bits, name)
    random, roots = roots_of(bits, name)
    betas = [[drawn(64, name, bits, "beta", i, w) for w in range(words)] for i in range(KEYS)]
    hash = Hash(key)
    functions = [Comparison(hash, i, bits, words) for i in range(KEYS)]
    dealt = [functions[i].gen(alphas[i], betas[i], (roots[0][i], roots[1][i])) for i in range(KEYS)]
    ordered = [dealt[i][0][level] for level in range(bits) for i in range(KEYS)]
    points = []
    for xs in points_of(bits, name, alphas):
        shares = [[functions[i].eval(side, roots[side][i], *dealt[i], xs[i]) for i in range(KEYS)] for side in (0, 1)]
        for i, (a, b) in enumerate(zip(*shares)):
            expected = betas[i] if xs[i] < alphas[i] else [0] * words
            assert [c + d & WORD for c, d in zip(a, b)] == expected, (name, bits, i, xs[i])
        points.append({"xs": hexes(xs), "shares": [hexes(sum(of, [])) for of in shares]})
    return {
        "words": words,
        "bits": bits,
        "hash_key": key.hex(),
        "alphas": hexes(alphas),
        "betas": hexes(sum(betas, [])),
        "roots": [hexes(of, 32) for of in random],
        "seeds": hexes((s | left for s, _, left, _ in ordered), 32),
        "controls": "".join(str(right) for *_, right in ordered),
        "values": hexes(sum((v for _, v, _, _ in ordered), []) + sum((last for _, last in dealt), [])),
        "points": points,
    }


def point(bits):
    name = "point"
    key, alphas = drawn(128, name, bits, "hash").to_bytes(16, "little"), alphas_of(bits, name)
    random, roots = roots_of(bits, name)
    hash = Hash(key)
    functions = [Point(hash, i, bits) for i in range(KEYS)]
    dealt = [functions[i].gen(alphas[i], (roots[0][i], roots[1][i])) for i in range(KEYS)]
    points = []
    for xs in points_of(bits, name, alphas):
        shares = [[functions[i].eval(roots[side][i], dealt[i], xs[i]) for i in range(KEYS)] for side in (0, 1)]
        assert [a ^ b for a, b in zip(*shares)] == [int(a <= x) for a, x in zip(alphas, xs)], (name, bits, xs)
        points.append({"xs": hexes(xs), "shares": ["".join(map(str, of)) for of in shares]})
    return {
        "bits": bits,
        "hash_key": key.hex(),
        "alphas": hexes(alphas),
        "roots": [hexes(of, 32) for of in random],
        "blocks": hexes((cw for level in zip(*dealt) for cw in level), 32),
        "points": points,
    }


def vectors():
    """The text of the file."""
    comparisons = [comparison(bits, words) for words in (1, 2) for bits in BITS]
    golden = {"version": 1, "comparisons": comparisons, "points": [point(bits) for bits in BITS]}
    return json.dumps(golden, indent=1) + "\n"


if __name__ == "__main__":
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(vectors())
