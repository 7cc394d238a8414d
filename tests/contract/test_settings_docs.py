"""The documents of the settings say what the model says, and one module reads the environment."""

import re
import tomllib
from pathlib import Path

import pytest
from tests.builders import ADMIN_SECRET, HOOK_SECRET

from frontdesk.settings import load_settings
from frontdesk.settings_reference import PROJECT, documents
from frontdesk.settings_sources import keys_of

BACKEND = PROJECT / "backend" / "frontdesk"


@pytest.mark.parametrize("path", sorted(documents()), ids=lambda path: path.name)
def test_a_document_is_what_the_model_writes(path: Path) -> None:
    assert path.read_text() == documents()[path], "run `python -m frontdesk.settings_reference`"


def test_the_example_file_and_the_example_environment_are_valid_settings(tmp_path: Path) -> None:
    (tmp_path / "frontdesk.toml").write_text((PROJECT / "frontdesk.example.toml").read_text())
    environment = dict(
        line.split("=", 1)
        for line in (PROJECT / ".env.example").read_text().splitlines()
        if line.startswith("FRONTDESK_")
    )
    values = {
        "FRONTDESK_HASURA_ADMIN_SECRET": ADMIN_SECRET,
        "FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS": HOOK_SECRET,
    }
    assert environment.keys() == values.keys()

    settings = load_settings(values, tmp_path)

    assert settings.tenants["default"].domain == "acme.eu.auth0.com"


def test_every_commented_key_of_the_example_file_is_valid_too(tmp_path: Path) -> None:
    text = re.sub(r"^# (\w+ = )", r"\1", (PROJECT / "frontdesk.example.toml").read_text(), flags=re.MULTILINE)
    text = text.replace("https://<domain>/", "https://acme.eu.auth0.com/")
    (tmp_path / "frontdesk.toml").write_text(text)

    settings = load_settings(
        {
            "FRONTDESK_HASURA_ADMIN_SECRET": ADMIN_SECRET,
            "FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS": HOOK_SECRET,
        },
        tmp_path,
    )

    keys = keys_of(type(settings))
    own = {key.name for key in keys if key.is_table}
    written = {
        (section, name)
        for section, table in tomllib.loads(text).items()
        for name in ([] if section in own else _keys(section, table))
    }
    known = {(key.section, key.name) for key in keys if key.section and not key.is_secret}
    assert own <= tomllib.loads(text).keys()
    assert written == known


def test_only_the_settings_read_the_environment() -> None:
    reading = re.compile(r"\bos\.(environ|getenv)\b|\bfrom os import .*\b(environ|getenv)\b")
    found = {path for path in BACKEND.rglob("*.py") if reading.search(path.read_text())}

    assert found == {BACKEND / "settings.py"}, "take the value as an argument, from frontdesk.settings"


def _keys(section: str, table: dict[str, object]) -> list[str]:
    tenant = table.get("default")
    return list(tenant) if section == "tenants" and isinstance(tenant, dict) else list(table)
