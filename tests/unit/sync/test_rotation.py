"""The parts of a rotation: the file that holds a secret, and asking replicas."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.builders import HOOK_SECRET, OPERATOR_TOKEN, OTHER_HOOK_SECRET, an_environment

from frontdesk.errors import UsageError
from frontdesk.settings import load_settings, secret_places
from frontdesk.settings_secrets import Origin, SecretPlace
from frontdesk.sync.rotation.holding import alone_with, why_not_written, write_values
from frontdesk.sync.rotation.replicas import Answer, ReplicasBehind, Verdict, wait_for

HOOK = ("tenants", "default", "hook_secrets")
VARIABLE = "FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS"


def a_file(folder: Path) -> SecretPlace:
    path = folder / "hook"
    path.write_text(HOOK_SECRET)
    path.chmod(0o640)
    return SecretPlace(variable=VARIABLE, origin=Origin.FILE, path=path)


@pytest.mark.parametrize("origin", [Origin.FILE, Origin.DOTENV])
@pytest.mark.parametrize("values", [(OTHER_HOOK_SECRET, HOOK_SECRET), (OTHER_HOOK_SECRET,)])
def test_what_is_written_is_what_the_settings_have_then(
    tmp_path: Path, origin: Origin, values: tuple[str, ...]
) -> None:
    environ = an_environment()
    del environ[VARIABLE]
    if origin is Origin.FILE:
        a_file(tmp_path)
        environ[f"{VARIABLE}_FILE"] = str(tmp_path / "hook")
    else:
        (tmp_path / ".env").write_text(f"# secrets\n{VARIABLE}={HOOK_SECRET}\nOTHER=stays\n")
        (tmp_path / ".env").chmod(0o640)
    place = secret_places(environ, tmp_path)[HOOK]

    write_values(place, values)

    known = load_settings(environ, tmp_path).tenants["default"].hook_secrets
    assert place.origin is origin
    assert place.path is not None
    assert tuple(each.get_secret_value() for each in known) == values
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o640
    assert origin is Origin.FILE or place.path.read_text().startswith("# secrets\n")


def test_a_link_stays_and_the_file_that_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    held = a_file(tmp_path / "below")
    link = tmp_path / "hook"
    link.symlink_to("below/hook")

    write_values(SecretPlace(variable=VARIABLE, origin=Origin.FILE, path=link), (OTHER_HOOK_SECRET,))

    assert link.is_symlink()
    assert held.path is not None
    assert held.path.read_text().split() == [OTHER_HOOK_SECRET]


def test_the_place_of_a_secret_is_where_its_value_comes_from(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"FRONTDESK_OPERATOR_TOKEN={OPERATOR_TOKEN}\n{VARIABLE}={HOOK_SECRET}\n")

    places = secret_places(an_environment(), tmp_path)

    assert places[HOOK] == SecretPlace(variable=VARIABLE, origin=Origin.ENVIRONMENT)
    assert places[("operator_token",)].origin is Origin.DOTENV
    assert ("tenants", "default", "stream_tokens") not in places


@pytest.mark.parametrize(
    ("place", "why"),
    [
        (SecretPlace(variable=VARIABLE, origin=Origin.ENVIRONMENT), "comes from the environment"),
        (SecretPlace(variable=VARIABLE, origin=Origin.FILE, path=Path("/proc/version")), "cannot be written"),
        (SecretPlace(variable=VARIABLE, origin=Origin.FILE, path=Path("/nowhere/hook")), "is not a file"),
    ],
    ids=["environment", "read-only", "gone"],
)
def test_a_secret_that_cannot_be_rewritten_is_known_before(place: SecretPlace, why: str) -> None:
    said = why_not_written(place)

    assert said is not None
    assert why in said


def test_two_rotations_of_one_file_do_not_meet(tmp_path: Path) -> None:
    place = a_file(tmp_path)

    with alone_with(place), pytest.raises(UsageError, match="another rotation"), alone_with(place):
        pass
    with alone_with(place):
        assert why_not_written(place) is None


def answering(*verdicts: Verdict) -> Iterator[Answer]:
    """Answer so one time each, and the last one for ever."""
    for verdict in verdicts:
        yield Answer(verdict=verdict, detail=f"said {verdict}")
    while True:
        yield Answer(verdict=verdicts[-1], detail=f"said {verdicts[-1]}")


def test_a_replica_is_waited_for_until_it_no_longer_changes_its_mind() -> None:
    """Two processes of one replica, of which one has not read the file yet, answer in turns."""
    answers = answering(Verdict.REFUSED, Verdict.ACCEPTED, Verdict.REFUSED, Verdict.ACCEPTED)
    asked = 0

    def ask(_replica: str, _secret: str) -> Answer:
        nonlocal asked
        asked += 1
        return next(answers)

    wait_for(Verdict.ACCEPTED, ("http://one",), "secret", ask, limit_s=10, settled_s=0.3)

    assert asked > 5


def test_what_replicas_say_that_do_not_follow_is_told() -> None:
    answers = {
        "http://one": answering(Verdict.ACCEPTED),
        "http://two": answering(Verdict.REFUSED),
        "http://three": answering(Verdict.UNKNOWN),
    }

    with pytest.raises(ReplicasBehind) as caught:
        wait_for(
            Verdict.ACCEPTED,
            tuple(answers),
            "the-secret",
            lambda replica, _: next(answers[replica]),
            limit_s=0.1,
        )

    assert "http://two: said refused; http://three: said unknown" in caught.value.detail
    assert "http://one: said" not in caught.value.detail
    assert "the-secret" not in caught.value.detail


def test_a_replica_without_the_endpoint_stops_nobody() -> None:
    answers = answering(Verdict.ABSENT)

    for verdict in (Verdict.ACCEPTED, Verdict.REFUSED):
        wait_for(verdict, ("http://one",), "secret", lambda *_: next(answers), limit_s=0, settled_s=0)
