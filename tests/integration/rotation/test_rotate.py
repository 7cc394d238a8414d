"""`frontdesk secrets rotate` while people log in, and when it is ended half-way."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import stat
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from tests.builders import HOOK_SECRET, OPERATOR_TOKEN, OTHER_HOOK_SECRET
from tests.integration.rotation.house import STREAM_TOKEN, House, a_house, wait_until

from frontdesk.auth0.action_state import held_actions, secrets_digest
from frontdesk.settings_reference import PROJECT

pytestmark = pytest.mark.timeout(240)
PAGE = PROJECT / "docs" / "how-to" / "rotate-secrets.md"
STEPS = ("Wrote the new value", "The replica accepts", "Updated and deployed", "Dropped the old value")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with a_house(tmp_path_factory.mktemp("house")) as house:
        yield house


def deployed_digest(house: House) -> str | None:
    with house.api() as api:
        (action,) = held_actions(api)
    assert action.all_deployed
    assert action.marker is not None
    return action.marker.secrets


def test_no_login_is_refused_however_often_a_rotation_is_killed(running: House) -> None:
    with running.logins() as logins:
        for killed_after in range(1, len(STEPS) + 1):
            (old,) = running.secrets()

            running.rotate_until(killed_after, "hook")
            new = running.secrets()[0]
            finished = running.rotate("hook", "--continue")

            assert finished.returncode == 0, finished.stderr
            assert running.secrets() == [new] != [old]
            assert (running.accepts(new), running.accepts(old)) == (True, False)
            assert deployed_digest(running) == secrets_digest({"FRONTDESK_HOOK_SECRET": new})
        whole = running.rotate("hook")
    assert whole.returncode == 0, whole.stderr

    assert [
        line
        for line, step in zip(whole.stdout.splitlines(), STEPS, strict=False)
        if not line.startswith(step)
    ] == []
    assert logins.refused == []
    assert logins.done > 20
    assert stat.S_IMODE((running.folder / "hook").stat().st_mode) == 0o600
    assert not [name for name in running.folder.iterdir() if name.name.startswith(".hook")]
    everything = whole.stdout + whole.stderr + running.log.read_text()
    assert running.secrets()[0].removeprefix("whsec_") not in everything


def test_what_somebody_keeps_is_dropped_only_when_asked(running: House) -> None:
    (old,) = running.secrets()

    kept = running.rotate("hook", "--keep-old", "--json")
    again = running.rotate("hook")
    both = running.secrets()
    finished = running.rotate("hook", "--continue", "--json")

    assert json.loads(kept.stdout)["rotated"] is False
    assert both[1:] == [old]
    assert again.returncode == 1
    assert "--continue` takes the first as the new one" in again.stderr
    assert json.loads(finished.stdout)["rotated"] is True
    assert running.secrets() == both[:1]


def test_the_streams_at_auth0_show_the_new_token(running: House) -> None:
    with running.api() as api:
        set_up = running.run("auth0", "setup", "--yes", "--only", "streams")
        before = next(iter(api.sdk.log_streams.list()))

        rotated = running.rotate("stream")

        after = next(iter(api.sdk.log_streams.list()))
    (new,) = running.secrets("stream")
    assert (set_up.returncode, rotated.returncode) == (0, 0), set_up.stderr + rotated.stderr
    assert before.sink.http_authorization == f"Bearer {STREAM_TOKEN}"
    assert after.sink.http_authorization == f"Bearer {new}" != before.sink.http_authorization
    assert "The event stream frontdesk-event-stream has the new value." in rotated.stdout


def test_the_operator_token_stays_valid_until_its_users_have_the_new_one(running: House) -> None:
    begun = running.rotate("operator")
    new, old = running.secrets("operator")
    with_both = (running.reads_metrics(new), running.reads_metrics(old))
    finished = running.rotate("operator", "--continue")

    assert (begun.returncode, finished.returncode) == (0, 0), begun.stderr + finished.stderr
    assert old == OPERATOR_TOKEN
    assert with_both == (200, 200)
    assert (running.reads_metrics(new), running.reads_metrics(old)) == (200, 401)


def test_a_dry_run_tells_each_step_and_changes_nothing(running: House) -> None:
    before = running.secrets(), deployed_digest(running)

    said = running.rotate("hook", "--dry-run")

    assert [line.split(" ")[0] for line in said.stdout.splitlines()] == ["Write", "Ask", "Send", "Drop"]
    assert "frontdesk-post-login" in said.stdout
    assert (running.secrets(), deployed_digest(running)) == before


def test_secrets_of_the_environment_are_left_to_the_operator(running: House, tmp_path: Path) -> None:
    variables = {
        "FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS_FILE": "",
        "FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS": OTHER_HOOK_SECRET,
    }
    before = running.secrets(), deployed_digest(running)

    said = running.run("secrets", "rotate", "hook", **variables)

    assert said.returncode == 1
    assert "Nothing was changed" in said.stderr
    assert "frontdesk actions deploy --tenant default" in said.stdout
    assert OTHER_HOOK_SECRET not in said.stdout + said.stderr
    assert (running.secrets(), deployed_digest(running)) == before


@pytest.mark.parametrize(
    ("words", "variables", "code", "why"),
    [
        (
            ["hook"],
            {"TENANTS_DEFAULT_MANAGEMENT_CLIENT_SECRET": "wrong"},
            1,
            "no token for the Management API",
        ),
        (
            ["hook"],
            {"ACTION_NAMES": "post-login,post-change-password"},
            1,
            "`frontdesk actions deploy` brings it",
        ),
        (["hook"], {"ACTION_NAMES": "credentials-exchange"}, 1, "--prune` takes it out"),
        (["hook"], {"SERVER_REPLICAS": "http://127.0.0.1:9"}, 1, "http://127.0.0.1:9: no answer"),
        (["hook", "--tenant", "other"], {}, 2, "no tenant 'other'"),
        (["operator", "--tenant", "default"], {}, 2, "leave --tenant out"),
        (["stream"], {"TENANTS_DEFAULT_STREAM_TOKENS_FILE": ""}, 2, "there is nothing to rotate"),
        (["operator"], {"OPERATOR_TOKEN_FILE": "stream"}, 2, "give each a file of its own"),
    ],
    ids=["credentials", "not deployed", "left over", "replica", "tenant", "no tenant", "not set", "shared"],
)
def test_what_stands_in_the_way_is_told_before_anything_is_written(
    running: House, words: list[str], variables: dict[str, str], code: int, why: str
) -> None:
    names = ("hook", "stream", "operator")
    before = [running.secrets(name) for name in names], deployed_digest(running)
    files = {name: str(running.folder / value) for name, value in variables.items() if value == "stream"}

    said = running.rotate(
        *words, **{f"FRONTDESK_{name}": value for name, value in (variables | files).items()}
    )

    assert said.returncode == code
    assert why in said.stderr
    assert ([running.secrets(name) for name in names], deployed_digest(running)) == before


def test_a_rotation_that_a_replica_does_not_follow_stops_with_both_values_in_force(running: House) -> None:
    """The replica reads another file than the one that is rotated, of the same content."""
    (old,) = running.secrets()
    other = running.folder / "other"
    other.write_text(old)
    before = deployed_digest(running)

    said = running.rotate("hook", "--wait", "1", FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS_FILE=str(other))

    assert said.returncode == 1
    assert f"{running.url}: it refuses it" in said.stderr
    assert "`frontdesk secrets rotate hook --continue` goes on" in said.stderr
    assert other.read_text().split()[1:] == [old]
    assert deployed_digest(running) == before


def test_nothing_is_written_when_a_replica_does_not_have_the_present_value(running: House) -> None:
    other = running.folder / "other"
    other.write_text(HOOK_SECRET if running.secrets() != [HOOK_SECRET] else OTHER_HOOK_SECRET)
    before = other.read_text()

    said = running.run(*("secrets", "rotate", "hook"), FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS_FILE=str(other))

    assert said.returncode == 1
    assert f"{running.url}: it refuses it" in said.stderr
    assert other.read_text() == before


def test_sighup_has_secrets_read_again_and_ends_no_process(running: House) -> None:
    (old,) = running.secrets()
    processes = worker_pids(running)

    with running.logins() as logins:
        replace(running.folder / "hook", f"{OTHER_HOOK_SECRET} {old}")
        os.kill(running.pid, signal.SIGHUP)
        wait_until(lambda: running.accepts(OTHER_HOOK_SECRET))
        replace(running.folder / "hook", old)
        os.kill(running.pid, signal.SIGHUP)
        wait_until(lambda: not running.accepts(OTHER_HOOK_SECRET))

    assert worker_pids(running) == processes
    assert len(processes) == 2
    assert logins.refused == []


def test_a_login_whose_call_is_refused_does_not_go_unseen(running: House) -> None:
    """What the tests above count would show a rotation that drops the old value too early."""
    (old,) = running.secrets()

    with running.logins() as logins:
        replace(running.folder / "hook", OTHER_HOOK_SECRET)
        wait_until(lambda: bool(logins.refused))
        replace(running.folder / "hook", old)
        wait_until(lambda: running.accepts(old) and not running.accepts(OTHER_HOOK_SECRET))

    assert "access_denied" in logins.refused[0]


def test_a_process_that_takes_the_place_of_another_knows_the_secrets_of_today(running: House) -> None:
    """The first process read its settings once, before the change."""
    (old,) = running.secrets()
    replace(running.folder / "hook", f"{OTHER_HOOK_SECRET} {old}")

    for pid in (ended := worker_pids(running)):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(worker_pids(running) - ended) == len(ended))

    assert all(running.accepts(OTHER_HOOK_SECRET) for _ in range(10))
    replace(running.folder / "hook", old)
    wait_until(lambda: not running.accepts(OTHER_HOOK_SECRET))


def worker_pids(house: House) -> set[int]:
    return {child.pid for child in psutil.Process(house.pid).children()}


def replace(path: Path, text: str) -> None:
    other = path.with_suffix(".new")
    other.write_text(text)
    other.chmod(0o600)
    other.replace(path)


def test_every_command_of_the_page_can_be_given(running: House) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    commands = [shlex.split(line) for block in blocks for line in block.splitlines()]

    for _, *words in commands:
        done = running.run(*words, *(() if "--dry-run" in words else ("--dry-run",)))
        assert done.returncode == 0, done.stderr

    assert len(commands) == 7
