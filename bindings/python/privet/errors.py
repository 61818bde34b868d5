"""What can go wrong, sorted by whose turn it is: the same codes and sentences as on the command line."""

from __future__ import annotations


class PrivetError(Exception):
    """Something went wrong. `code` is stable, for searching; the message says what was expected, what came, and the next step."""

    exit_code = 1

    def __init__(self, code: str, message: str):
        super().__init__(f"{code} {message}")
        self.code, self.message = code, message

    def __reduce__(self):
        return type(self), (self.code, self.message)


class InternalError(PrivetError):
    """A bug of privet's."""


class UsageError(PrivetError, ValueError):
    """The call was wrong: its shape, its names, its form."""

    exit_code = 2


class RefusedError(PrivetError, ValueError):
    """The rows, the model, the plan, the policy or the evidence was refused."""

    exit_code = 3


class UnreachableError(PrivetError, ConnectionError):
    """A role could not be reached, or answered late."""

    exit_code = 4


class IntegrityError(PrivetError):
    """A check failed, and nothing was released."""

    exit_code = 5


def exception(exit_code: int, code: str, message: str) -> PrivetError:
    """The exception for an exit code of the command line."""
    kinds = (InternalError, UsageError, RefusedError, UnreachableError, IntegrityError)
    kind = next((kind for kind in kinds if kind.exit_code == exit_code), InternalError)
    return kind(code, message)
