"""frontdesk's commands within the process of the tests, which is quicker than a process for each."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass

import pytest

from frontdesk.cli import main


@dataclass(frozen=True)
class Done:
    """How a command ended, and what it said."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Terminal:
    """Runs commands as a shell does, to the exit code; the environment is the test's."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str, typed: str = "") -> Done:
        """Run one command with `typed` as its standard input."""
        self.monkeypatch.setattr(sys, "argv", ["frontdesk", *arguments])
        self.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        with pytest.raises(SystemExit) as ended:
            main()
        said = self.capsys.readouterr()
        return Done(int(ended.value.code or 0), said.out, said.err)
