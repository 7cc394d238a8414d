"""Secrets that are read again when their files change."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs
from tests.builders import ADMIN_SECRET, HOOK_SECRET, OPERATOR_TOKEN, OTHER_HOOK_SECRET, an_environment

from frontdesk.settings import Settings, load_settings, secret_places
from frontdesk.web.live_secrets import LOOK_EVERY_S, LiveSecrets

OTHER_TOKEN = OPERATOR_TOKEN[::-1]
ON_FILES = {
    "HASURA_ADMIN_SECRET": ADMIN_SECRET,
    "OPERATOR_TOKEN": OPERATOR_TOKEN,
    "TENANTS_DEFAULT_HOOK_SECRETS": HOOK_SECRET,
    "TENANTS_DEFAULT_STREAM_TOKENS": OPERATOR_TOKEN,
}


class Process:
    """What one process knows, on a clock that goes on when it is told to."""

    def __init__(self, folder: Path, *, without: str = "") -> None:
        self.folder, self.now, self.reads = folder, 0.0, 0
        self.environ = an_environment(**{f"{name}_FILE": str(folder / name) for name in ON_FILES})
        for name in ON_FILES:
            self.environ.pop(f"FRONTDESK_{name}", None)
        self.environ.pop(f"FRONTDESK_{without}_FILE", None)
        self.live = LiveSecrets(
            load_settings(self.environ, folder), files=self._files, read=self._read, clock=lambda: self.now
        )
        self.live.current()

    def _files(self) -> list[Path]:
        return [place.path for place in secret_places(self.environ, self.folder).values() if place.path]

    def _read(self) -> Settings:
        self.reads += 1
        return load_settings(self.environ, self.folder)

    @property
    def hook_secrets(self) -> tuple[str, ...]:
        return self.live.current().hook_secrets["default"]


@pytest.fixture
def process(tmp_path: Path) -> Process:
    structlog.reset_defaults()
    for name, value in ON_FILES.items():
        (tmp_path / name).write_text(value)
    return Process(tmp_path)


def replace(path: Path, text: str) -> None:
    """Write another file and give it the name, as everybody should."""
    other = path.with_suffix(".new")
    other.write_text(text)
    other.replace(path)


@pytest.mark.parametrize("change", [replace, Path.write_text], ids=["another file", "the same file"])
def test_a_change_is_in_force_after_a_second(process: Process, change: Callable[[Path, str], object]) -> None:
    change(process.folder / "TENANTS_DEFAULT_HOOK_SECRETS", f"{OTHER_HOOK_SECRET}\n{HOOK_SECRET}\n")

    at_once = process.hook_secrets
    process.now += LOOK_EVERY_S
    later = process.hook_secrets

    assert at_once == (HOOK_SECRET,)
    assert later == (OTHER_HOOK_SECRET, HOOK_SECRET)


def test_every_secret_that_is_in_a_file_can_change(process: Process) -> None:
    for name in ON_FILES:
        replace(process.folder / name, OTHER_HOOK_SECRET)
    process.now += LOOK_EVERY_S

    with capture_logs() as logs:
        known = process.live.current()

    assert known.admin_secret == OTHER_HOOK_SECRET
    assert known.operator_tokens == known.hook_secrets["default"] == (OTHER_HOOK_SECRET,)
    assert known.stream_tokens["default"] == (OTHER_HOOK_SECRET,)
    (entry,) = logs
    assert entry["event"] == "secrets.changed"
    assert len(entry["names"]) == len(ON_FILES)


def test_files_that_stay_are_not_read_again(process: Process) -> None:
    for _ in range(5):
        process.now += LOOK_EVERY_S
        process.live.current()

    assert process.reads == 1


@pytest.mark.parametrize("broken", ["", "whsec_short", None], ids=["empty", "wrong", "gone"])
def test_what_cannot_be_used_leaves_the_secrets_as_they_were_and_is_told_once(
    process: Process, broken: str | None
) -> None:
    path = process.folder / "TENANTS_DEFAULT_HOOK_SECRETS"
    path.unlink() if broken is None else path.write_text(broken)

    with capture_logs() as logs:
        for _ in range(3):
            process.now += LOOK_EVERY_S
            assert process.hook_secrets == (HOOK_SECRET,)
    replace(path, OTHER_HOOK_SECRET)
    process.now += LOOK_EVERY_S

    (entry,) = logs
    assert entry["event"] == "secrets.unreadable"
    assert "FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS" in str(entry["faults"])
    assert "whsec_short" not in str(entry)
    assert process.hook_secrets == (OTHER_HOOK_SECRET,)


def test_the_link_that_kubernetes_swaps_is_followed(tmp_path: Path) -> None:
    """A mounted secret is a link to `..data/<name>`, and `..data` a link to a folder that is new each time."""
    for folder, hook_secret in (("..1", HOOK_SECRET), ("..2", OTHER_HOOK_SECRET)):
        (tmp_path / folder).mkdir()
        for name, value in {**ON_FILES, "TENANTS_DEFAULT_HOOK_SECRETS": hook_secret}.items():
            (tmp_path / folder / name).write_text(value)
    (tmp_path / "..data").symlink_to("..1")
    for name in ON_FILES:
        (tmp_path / name).symlink_to(f"..data/{name}")
    process = Process(tmp_path)

    (tmp_path / "..data_tmp").symlink_to("..2")
    os.replace(tmp_path / "..data_tmp", tmp_path / "..data")
    process.now += LOOK_EVERY_S

    assert process.hook_secrets == (OTHER_HOOK_SECRET,)


def test_a_changed_dotenv_counts_too(tmp_path: Path) -> None:
    for name, value in ON_FILES.items():
        (tmp_path / name).write_text(value)
    (tmp_path / ".env").write_text(f"FRONTDESK_OPERATOR_TOKEN={OPERATOR_TOKEN}\n")
    (tmp_path / ".env").chmod(0o600)
    process = Process(tmp_path, without="OPERATOR_TOKEN")

    replace(tmp_path / ".env", f"FRONTDESK_OPERATOR_TOKEN={OTHER_TOKEN},{OPERATOR_TOKEN}\n")
    (tmp_path / ".env").chmod(0o600)
    process.now += LOOK_EVERY_S

    assert process.live.current().operator_tokens == (OTHER_TOKEN, OPERATOR_TOKEN)


def test_the_word_to_read_again_needs_no_second(process: Process) -> None:
    replace(process.folder / "TENANTS_DEFAULT_HOOK_SECRETS", OTHER_HOOK_SECRET)

    process.live.read_again()

    assert process.hook_secrets == (OTHER_HOOK_SECRET,)


def test_no_secret_shows_itself(process: Process) -> None:
    assert HOOK_SECRET not in repr(process.live.current())
    assert OPERATOR_TOKEN not in repr(process.live.current())
