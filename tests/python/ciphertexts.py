"""A second client of the `he` kind, written from what the documents of `crates/he` and `crates/deploy/src/he/wire.rs` say: a judge of the
first. Numbers modulo Q are Python's own integers, and nothing is fast, or safe against who measures time.

Arrays of numbers modulo Q are numpy's arrays of objects.
"""

import functools
import itertools
import math
import secrets

import numpy as np
from blake3 import blake3

POLYNOMIAL = "privet 2026 public polynomial of an encryption"
DIGEST_OF_KEY = "privet 2026 digest of a public key of ciphertexts"
MOST_ERROR = 21


def pack(numbers, bits):
    """Bit b of number e is bit e·bits + b, from each byte's least bit on."""
    places = np.unpackbits(numbers.astype("<u8").view(np.uint8), bitorder="little").reshape(-1, 64)
    return np.packbits(places[:, :bits], bitorder="little").tobytes()


def unpack(data, count, bits):
    places = np.unpackbits(np.frombuffer(data, np.uint8), count=count * bits, bitorder="little")
    wide = np.zeros((count, 64), np.uint8)
    wide[:, :bits] = places.reshape(count, bits)
    return np.packbits(wide, bitorder="little").view("<u8").astype(object)


@functools.cache
def least_root(prime, degree):
    """The least number whose power of `degree` is -1: of all odd powers of one such number."""
    candidates = (pow(x, (prime - 1) // (2 * degree), prime) for x in range(2, prime))
    root = next(x for x in candidates if pow(x, degree, prime) == prime - 1)
    return min(itertools.accumulate([root] + [root * root % prime] * (degree - 1), lambda a, b: a * b % prime))


class Ring:
    """Polynomials modulo X^N + 1 and Q; `he` is that part of a deployment's public half."""

    def __init__(self, he):
        parameters = he["parameters"]
        self.parameters, self.degree, self.primes = parameters, parameters["degree"], parameters["moduli"]
        self.q, self.k, self.d = math.prod(self.primes), parameters["plaintext_bits"], parameters["answer_bits"]
        # A root modulo Q that is the least one modulo each prime: one transform for all of them.
        self.root = int(self.number([least_root(prime, self.degree) for prime in self.primes]))
        self.powers = self.powers_of(self.root)
        width = self.degree.bit_length() - 1
        self.reversed = np.array([int(f"{i:0{width}b}"[::-1], 2) for i in range(self.degree)])

    def powers_of(self, root):
        factors = [1] + [root] * (self.degree - 1)
        return np.array(list(itertools.accumulate(factors, lambda a, b: a * b % self.q)), dtype=object)

    def number(self, residues):
        """The Chinese remainder theorem."""
        parts = [self.q // prime for prime in self.primes]
        return sum(x * (part * pow(part, -1, prime)) for x, part, prime in zip(residues, parts, self.primes)) % self.q

    def values(self, coefficients):
        """Place i has the value at root^(2·reverse(i) + 1)."""
        squares = self.powers_of(self.root * self.root % self.q)
        # Column r of `parts` is the transform of what stands at r, r + columns, r + 2·columns and so on.
        parts = (coefficients * self.powers % self.q).reshape(1, -1)
        while parts.shape[1] > 1:
            columns = parts.shape[1] // 2
            even, odd = parts[:, :columns], parts[:, columns:]
            odd = odd * squares[::columns][: len(parts), None] % self.q
            parts = np.concatenate([even + odd, even - odd]) % self.q
        return parts.ravel()[self.reversed]

    def write(self, numbers):
        return b"".join(pack(numbers % prime, prime.bit_length()) for prime in self.primes)

    def size(self):
        return sum(self.degree * prime.bit_length() // 8 for prime in self.primes)

    def public(self, seed, bundle, index):
        """The public polynomial of a number, in values."""
        of = seed + bundle + index.to_bytes(4, "little")
        return self.number([self.residues(of + bytes([at]), prime) for at, prime in enumerate(self.primes)])

    def residues(self, of, prime):
        """The words of BLAKE3's output that are residues, as soon as it is long enough."""
        taken, size = [], 0
        while len(taken) < self.degree:
            size += 16 * self.degree
            drawn = blake3(of, derive_key_context=POLYNOMIAL).digest(length=size)
            words = np.frombuffer(drawn, "<u8") & ((1 << prime.bit_length()) - 1)
            taken = words[words < prime]
        return taken[: self.degree].astype(object)

    def scaled(self, plaintexts):
        """The integers nearest to Q·m/2^k."""
        return (2 * self.q * plaintexts + (1 << self.k)) >> (self.k + 1)

    def errors(self):
        coins = np.frombuffer(secrets.token_bytes(self.degree * 2 * MOST_ERROR), np.uint8) & 1
        heads = coins.reshape(self.degree, 2, MOST_ERROR).sum(axis=2).astype(int)
        return (heads[:, 0] - heads[:, 1]).astype(object)

    def worst_share(self):
        """What an answer's error may take of half a Δ, from the text of `parameters.rs`."""
        delta = math.log2(self.q) - self.k
        noise = 2 ** (self.parameters["noise_bits"] - delta) + 2 ** (self.parameters["flood_bits"] - delta)
        return 2 * (noise + ((self.degree + 1) / 2 + 2) / 2 ** (self.d - self.k))


class Key:
    """A secret and its public half, for one bundle."""

    def __init__(self, ring, bundle):
        self.ring, self.bundle, self.seed, self.next = ring, bundle, secrets.token_bytes(32), 1
        self.secret = np.array([secrets.randbelow(3) - 1 for _ in range(ring.degree)], dtype=object)
        self.in_values = ring.values(self.secret)
        self.public = self.hidden(0, ring.errors())
        self.id = key_id(bundle, self.seed, self.public)

    def hidden(self, index, coefficients):
        """-a·s and what it hides."""
        a = self.ring.public(self.seed, self.bundle, index)
        return self.ring.write((self.ring.values(coefficients) - a * self.in_values) % self.ring.q)

    def encrypt(self, plaintexts):
        """One ciphertext, under the next number."""
        self.next += 1
        return self.hidden(self.next - 1, self.ring.errors() + self.ring.scaled(plaintexts))

    def times_secret(self, c, place):
        """The coefficient of c·s at a place: what is beyond X^N comes back with a minus."""
        return int(np.concatenate([self.secret[place::-1], -self.secret[:place:-1]]).dot(c))


def key_id(bundle, seed, public):
    return blake3(bundle + seed + public, derive_key_context=DIGEST_OF_KEY).digest()
