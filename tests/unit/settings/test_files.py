"""Setting a value in frontdesk.toml and .env: one line changes, the rest stays."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.errors import UsageError
from frontdesk.settings_dotenv import with_dotenv
from frontdesk.settings_files import PRIVATE, with_value, with_variable, write_file

PATH = ("tenants", "default", "login_client_id")
NAME = "FRONTDESK_OPERATOR_TOKEN"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            '[tenants.default]\ndomain = "a.b"\n# Who logs in.\n# login_client_id = "x"\n[log]\n',
            '[tenants.default]\ndomain = "a.b"\n# Who logs in.\nlogin_client_id = "new"\n[log]\n',
        ),
        (
            '[tenants.default]\ndomain = "a.b"\n',
            '[tenants.default]\nlogin_client_id = "new"\ndomain = "a.b"\n',
        ),
        ('[tenants."default"] # ours\n', '[tenants."default"] # ours\nlogin_client_id = "new"\n'),
        ('[tenants.default]\nlogin_client_id = "new"', '[tenants.default]\nlogin_client_id = "new"'),
        ("[log]\n", '[log]\n\n[tenants.default]\nlogin_client_id = "new"\n'),
        (
            '[tenants.other]\n# login_client_id = "x"\n[tenants.default]\n',
            '[tenants.other]\n# login_client_id = "x"\n[tenants.default]\nlogin_client_id = "new"\n',
        ),
    ],
    ids=["commented out", "not there", "quoted table", "there already", "no table", "another tenant"],
)
def test_a_key_is_set_where_it_belongs(before: str, after: str) -> None:
    assert with_value(before, PATH, "new") == after


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[tenants.default]\nlogin_client_id = "old"\n', "is 'old' already; it stays"),
        ('tenants = { default = { domain = "a.b" } }\n', 'add it by hand: login_client_id = "new"'),
    ],
    ids=["another value", "inline table"],
)
def test_a_value_that_has_no_line_is_told_and_nothing_changed(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        with_value(text, PATH, "new")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("A=1\n", f"A=1\n{NAME}=new\n"),
        (f"{NAME}=old\nA=1\n", f"{NAME}=new\nA=1\n"),
        (f"# The token.\n# {NAME}=\nA=1", f"# The token.\n{NAME}=new\nA=1\n"),
        (f"# {NAME}=kept\n", f"# {NAME}=kept\n{NAME}=new\n"),
    ],
    ids=["added", "replaced", "filled in", "a comment with a value"],
)
def test_a_variable_is_set_where_it_belongs(before: str, after: str) -> None:
    assert with_variable(before, NAME, "new") == after


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1))
def test_what_is_set_is_read_back(value: str) -> None:
    text = with_variable("", NAME, value)
    settings = with_value("", PATH, value)

    assert tomllib.loads(settings)["tenants"]["default"]["login_client_id"] == value
    assert _read_back(text) == value


def _read_back(text: str) -> str:
    with tempfile.TemporaryDirectory() as place:
        write_file(Path(place) / ".env", text, PRIVATE)
        return with_dotenv({}, Path(place)).environ[NAME]


def test_a_file_keeps_its_mode_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    write_file(path, "A=1\n", PRIVATE)
    path.chmod(0o640)

    write_file(path, "A=2\n", PRIVATE)

    assert (path.read_text(), path.stat().st_mode & 0o777) == ("A=2\n", 0o640)
    assert list(tmp_path.iterdir()) == [path]
