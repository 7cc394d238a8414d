"""CPU time by process, from Linux's /proc: on a machine that others use too it says more than the clock on the wall."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_OURS = {"postgres": "PostgreSQL", "localhasura": "localhasura", "serve": "frontdesk serve"}
_OURS |= {"worker": "frontdesk worker", "driver": "driver"}


def cpu_by_process() -> Mapping[str, float]:
    """Return the seconds that each child of this process has used with all below it, the ended ones included."""
    parents = {pid: int(fields[1]) for pid, fields in _all()}
    seconds: dict[str, float] = {}
    for pid in (pid for pid, parent in parents.items() if parent == os.getpid()):
        name = _name(pid)
        if name is not None:
            seconds[name] = seconds.get(name, 0.0) + sum(map(_seconds, _below(pid, parents)))
    return seconds


def _below(pid: int, parents: Mapping[int, int]) -> list[int]:
    return [
        pid,
        *(each for child, parent in parents.items() if parent == pid for each in _below(child, parents)),
    ]


def _seconds(pid: int) -> float:
    fields = _fields(pid)
    # Its own, and that of the children it has waited for.
    return 0.0 if fields is None else sum(map(int, fields[11:15])) / _TICKS_PER_SECOND


def _all() -> list[tuple[int, list[str]]]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [(pid, fields) for pid in pids if (fields := _fields(pid)) is not None]


def _fields(pid: int) -> list[str] | None:
    """Return the fields of a process from its state on; None when it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def _name(pid: int) -> str | None:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return next(
        (name for word in words for part, name in _OURS.items() if word.rpartition("/")[2] == part), None
    )
