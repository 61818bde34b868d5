"""Licence expressions of SPDX: whether what is allowed is enough for one."""

import re


def allowed(expression, allow):
    """Whether at least one alternative is made of allowed licences only. `Apache-2.0 WITH X` is a licence of its own."""
    words = re.findall(r"[()]|[^\s()]+", expression)
    value = _either(words, set(allow))
    if words:
        raise ValueError(f"`{expression}` is no licence expression")
    return value


def _either(words, allow):
    value = _both(words, allow)
    while words and words[0] == "OR":
        words.pop(0)
        value = _both(words, allow) or value
    return value


def _both(words, allow):
    value = _one(words, allow)
    while words and words[0] == "AND":
        words.pop(0)
        value = _one(words, allow) and value
    return value


def _one(words, allow):
    word = words.pop(0)
    if word == "(":
        value = _either(words, allow)
        words.pop(0)
        return value
    if words and words[0] == "WITH":
        word = f"{word} WITH {words.pop(1)}"
        words.pop(0)
    return word in allow
