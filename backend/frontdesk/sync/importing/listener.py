"""What an import tells while it runs; who shows it is the caller's business."""

from __future__ import annotations

from typing import Protocol


class Listener(Protocol):
    """Hears of one tenant's import. Any thread may tell; nothing that it raises is answered."""

    def phase(self, name: str, sentence: str) -> None:
        """Hear that a phase begins, and why or what it does."""

    def progress(self, done: int, total: int | None) -> None:
        """Hear how far the phase is; `total` is None where nobody knows it."""

    def note(self, sentence: str) -> None:
        """Hear of something that an operator should look at, or wait for."""
