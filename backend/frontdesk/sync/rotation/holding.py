"""The file that holds a secret: one that `*_FILE` names, or `.env`. Its content is the whole state of a rotation."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from frontdesk.errors import UsageError
from frontdesk.settings_files import PRIVATE, with_variable, write_file
from frontdesk.settings_secrets import Origin, SecretPlace
from frontdesk.settings_sources import read_text, why_unreadable


def why_not_written(place: SecretPlace) -> str | None:
    """Say why the secret cannot be rewritten where it is; None when it can."""
    if place.path is None:
        return f"{place.variable} comes from the environment, and a running process does not see that change"
    path = place.path.resolve()
    if not path.is_file():
        return f"{place.path} is not a file"
    if not _takes_files(path.parent):
        return f"{path.parent} cannot be written to, as that of a secret that is mounted"
    if path.stat().st_uid != os.geteuid() and os.geteuid() != 0:
        return f"{path} belongs to another user, whose processes could not read what this one writes"
    return None


def write_values(place: SecretPlace, values: Sequence[str]) -> None:
    """Put these values in place of those that are there, all at once. Raises UsageError when it cannot be written."""
    path = _path(place)
    if place.origin is Origin.FILE:
        write_file(path, "\n".join(values) + "\n", PRIVATE)
        return
    try:
        text = read_text(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read: {why_unreadable(error)}") from error
    write_file(path, with_variable(text, place.variable, ",".join(values)), PRIVATE)


@contextmanager
def alone_with(place: SecretPlace) -> Iterator[None]:
    """Keep other rotations away from the file, and from what is beside it. A process that ends lets go of it.

    Raises UsageError when another one is running.
    """
    directory = os.open(_path(place).resolve().parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                f"another rotation is at work on {place.path}; wait until it has ended"
            ) from None
        yield
    finally:
        os.close(directory)


def _takes_files(directory: Path) -> bool:
    """Try it: what permissions say of a mount that is read-only depends on who asks."""
    try:
        with tempfile.TemporaryFile(dir=directory):
            return True
    except OSError:
        return False


def _path(place: SecretPlace) -> Path:
    if place.path is None:
        raise UsageError(f"{place.variable} comes from the environment")
    return place.path
