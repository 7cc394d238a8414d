"""The command line as a whole: how it says what is wrong, and what its help shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from frontdesk.cli import app, main
from frontdesk.errors import HasuraUnavailable, UsageError


def commands() -> dict[str, typer.core.TyperCommand]:
    found: dict[str, typer.core.TyperCommand] = {}

    def walk(command: object, words: tuple[str, ...]) -> None:
        if isinstance(command, typer.core.TyperGroup):
            context = typer.Context(command)
            for name in command.list_commands(context):
                walk(command.get_command(context, name), (*words, name))
        else:
            found[" ".join(words)] = command  # type: ignore[assignment]

    walk(get_command(app), ())
    return found


def run(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "frontdesk", *arguments],
        cwd=cwd,
        env={"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_commands_are_those_that_the_documents_name() -> None:
    assert sorted(commands()) == [
        "actions deploy",
        "actions diff",
        "actions render",
        "auth0 setup",
        "db apply",
        "db status",
        "demo",
        "doctor",
        "fields plan",
        "hasura apply",
        "hasura diff",
        "hasura status",
        "import",
        "init",
        "jobs drop",
        "jobs list",
        "jobs rejects",
        "jobs retry",
        "jobs show",
        "jwt-secret",
        "reconcile",
        "replay",
        "secrets rotate",
        "serve",
        "token get",
        "token inspect",
        "token query",
        "users audit",
        "users block",
        "users create",
        "users delete",
        "users erase",
        "users groups",
        "users list",
        "users set-roles",
        "users show",
        "users sync",
        "users unblock",
        "users update",
        "worker",
    ]


@pytest.mark.parametrize("name", sorted(commands()))
def test_the_help_of_a_command_begins_with_a_sentence_and_ends_with_an_example(name: str) -> None:
    text = (commands()[name].help or "").strip()

    assert re.match(r"[A-Z][^\n]*\.", text)
    assert re.search(rf"Example: frontdesk {name}\b[^\n]*$", text)


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError("several tenants"), 2), (HasuraUnavailable("no answer"), 1)],
    ids=["usage", "failed"],
)
def test_an_error_of_ours_is_one_message_with_its_exit_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr("frontdesk.cli.app", fail)

    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == code
    assert capsys.readouterr().err == f"frontdesk: {error}\n"


def test_a_command_is_loaded_when_it_is_asked_for_and_no_other(tmp_path: Path) -> None:
    loaded = "import sys; from frontdesk.cli import app; app(['{}', '--help'], standalone_mode=False); "
    told = "print([name for name in sys.modules if name.startswith('frontdesk.cli.')])"
    done = subprocess.run(
        [sys.executable, "-c", loaded.format("serve") + told], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "['frontdesk.cli.serve']"


def test_a_command_that_is_none_is_answered_with_a_similar_one(tmp_path: Path) -> None:
    done = run("docter", cwd=tmp_path)

    assert done.returncode == 2
    assert "Did you mean 'doctor'?" in done.stderr


def test_a_wrong_option_is_wrong_usage(tmp_path: Path) -> None:
    done = run("serve", "--prot", "1", cwd=tmp_path)

    assert done.returncode == 2
    assert "--port" in done.stderr


def test_a_command_without_settings_names_what_is_missing(tmp_path: Path) -> None:
    done = run("jwt-secret", cwd=tmp_path)

    assert done.returncode == 2
    assert "FRONTDESK_HASURA_URL" in done.stderr
    assert "frontdesk.toml: is not here" in done.stderr
    assert "`frontdesk init`" in done.stderr
    assert done.stdout == ""
