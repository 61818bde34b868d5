"""Function secret sharing by its papers' equations: the reference is right by itself, and the vectors that Rust is held to are its own."""

import sys

import pytest

from support import ROOT

sys.path.insert(0, str(ROOT / "tests"))
import fss_reference as reference

HASH = reference.Hash(bytes(range(16)))


def test_aes_is_that_of_the_standard():
    """FIPS 197, appendix B and C.1."""
    of = lambda key, block: reference.aes128(reference.round_keys(bytes.fromhex(key)), bytes.fromhex(block)).hex()
    assert of("2b7e151628aed2a6abf7158809cf4f3c", "3243f6a8885a308d313198a2e0370734") == "3925841d02dc09fbdc118597196a0b32"
    assert of("000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff") == "69c4e0d86a7b0430d8cdb78070b4c55a"


@pytest.mark.parametrize("bits", [1, 3])
def test_comparisons_of_all_numbers(bits):
    _, roots = reference.roots_of(bits, "all")
    pair, beta = [roots[side][0] for side in (0, 1)], [7, reference.WORD - 5]
    for alpha in range(1 << bits):
        function = reference.Comparison(HASH, 0, bits, 2)
        dealt = function.gen(alpha, beta, pair)
        for x in range(1 << bits):
            a, b = (function.eval(side, pair[side], *dealt, x) for side in (0, 1))
            assert [c + d & reference.WORD for c, d in zip(a, b)] == (beta if x < alpha else [0, 0]), (alpha, x)


@pytest.mark.parametrize("bits, alpha", [(8, 0), (8, 255), (9, 127), (9, 300)])
def test_points_are_there_once_and_their_prefixes_add_up(bits, alpha):
    """Every leaf is opened, by another road than the prefixes: from the root down, without a path."""
    _, roots = reference.roots_of(bits, "all")
    pair, function = [roots[side][0] for side in (0, 1)], reference.Point(HASH, 0, bits)
    cws = function.gen(alpha, pair)
    opened = 0
    for root in pair:
        nodes = [root]
        for level in range(function.levels):
            nodes = [child for node in nodes for child in function.children(node, level, cws[level])]
        opened ^= sum(function.last(node, cws[-1]) << 128 * i for i, node in enumerate(nodes))
    assert opened == 1 << alpha
    for x in {0, alpha - 1, alpha, alpha + 1, 127, 128, (1 << bits) - 1} & set(range(1 << bits)):
        bit = function.eval(pair[0], cws, x) ^ function.eval(pair[1], cws, x)
        assert bit == (alpha <= x), x


def test_the_vectors_are_what_the_reference_writes():
    assert reference.GOLDEN.read_text() == reference.vectors(), "write them again: `python tests/fss_reference.py`"
