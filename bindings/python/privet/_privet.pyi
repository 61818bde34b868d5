from collections.abc import Callable, Sequence
from os import PathLike

import numpy as np

class Deployment:
    def __init__(
        self,
        path: str | PathLike[str],
        *,
        deadline: float,
        policy: str | PathLike[str] | None,
        collateral: Sequence[str | PathLike[str]],
        token: str | PathLike[str] | None,
        dangerous_accept_simulated: bool,
    ) -> None: ...
    def facts(self) -> str: ...
    def prepare_ahead(self, rows: int) -> None: ...
    def assurance(self) -> str: ...
    def ready(self, patience: float) -> None: ...
    def predict(
        self, rows: list[np.ndarray | list[str]], progress: Callable[[int], object] | None
    ) -> tuple[list[np.ndarray | list[str]], int, int]: ...
