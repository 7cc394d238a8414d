"""`.env` beside the settings file: variables below the environment."""

from pathlib import Path

import pytest
from tests.builders import ADMIN_SECRET, HOOK_SECRET, OPERATOR_TOKEN, OTHER_HOOK_SECRET, an_environment

from frontdesk.errors import SettingsInvalid
from frontdesk.settings import Settings, load_settings, secret

NEEDED = {name: value for name, value in an_environment().items() if "SECRET" not in name}
SECRETS = (
    f"FRONTDESK_HASURA_ADMIN_SECRET={ADMIN_SECRET}\nFRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS={HOOK_SECRET}\n"
)


def write(directory: Path, text: str, mode: int = 0o600) -> Path:
    path = directory / ".env"
    path.write_text(text)
    path.chmod(mode)
    return path


def hook_secret(settings: Settings) -> str:
    return settings.tenants["default"].hook_secrets[0].get_secret_value()


def test_variables_may_stand_in_dotenv(tmp_path: Path) -> None:
    write(tmp_path, f"# secrets\nexport FRONTDESK_OPERATOR_TOKEN='{OPERATOR_TOKEN}'\n\n{SECRETS}")

    settings = load_settings(NEEDED, tmp_path)

    assert secret(settings.hasura.admin_secret) == ADMIN_SECRET
    assert secret(settings.operator_token) == OPERATOR_TOKEN


def test_the_environment_wins_over_dotenv(tmp_path: Path) -> None:
    write(tmp_path, SECRETS)

    settings = load_settings(
        {**NEEDED, "FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS": OTHER_HOOK_SECRET}, tmp_path
    )

    assert hook_secret(settings) == OTHER_HOOK_SECRET


def test_a_secret_file_of_the_environment_wins_over_the_value_in_dotenv(tmp_path: Path) -> None:
    write(tmp_path, SECRETS)
    (tmp_path / "hook").write_text(OTHER_HOOK_SECRET)

    settings = load_settings(
        {**NEEDED, "FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS_FILE": str(tmp_path / "hook")}, tmp_path
    )

    assert hook_secret(settings) == OTHER_HOOK_SECRET


def test_an_empty_variable_of_the_environment_leaves_the_word_to_dotenv(tmp_path: Path) -> None:
    write(tmp_path, SECRETS)

    settings = load_settings({**NEEDED, "FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS": ""}, tmp_path)

    assert hook_secret(settings) == HOOK_SECRET


def test_dotenv_stands_beside_the_settings_file_that_is_named(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "my.toml").write_text("[server]\nport = 1111\n")
    write(elsewhere, SECRETS)
    write(tmp_path, "FRONTDESK_SERVER_PORT=2222\n")

    settings = load_settings({**NEEDED, "FRONTDESK_CONFIG": "elsewhere/my.toml"}, tmp_path)

    assert settings.server.port == 1111


def test_what_other_programs_keep_in_dotenv_is_theirs(tmp_path: Path) -> None:
    write(tmp_path, f"POSTGRES_PASSWORD=x\nHASURA_GRAPHQL_JWT_SECRET='{{\"a\": 1}}'\n{SECRETS}")

    assert load_settings(NEEDED, tmp_path).server.port == 8500


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FRONTDESK_OPERATOR_TOKN=x\n", "FRONTDESK_OPERATOR_TOKN: unknown setting; did you mean"),
        ("FRONTDESK_SERVER_PORT='1\n", "line 1: expected NAME=value"),
        ("FRONTDESK_SERVER_PORT\n", "line 1: expected NAME=value"),
        (b"\xff\xfe", "expected a readable file: not UTF-8"),
    ],
    ids=["unknown", "half a line", "a name alone", "not text"],
)
def test_a_fault_in_dotenv_stops_the_start(tmp_path: Path, text: str | bytes, said: str) -> None:
    (tmp_path / ".env").write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(SettingsInvalid) as raised:
        load_settings(an_environment(), tmp_path)

    assert said in raised.value.detail


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True)])
def test_a_dotenv_that_everybody_can_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: int, warned: bool
) -> None:
    path = write(tmp_path, SECRETS, mode)

    load_settings(NEEDED, tmp_path)

    said = capsys.readouterr()
    assert said.out == ""
    assert (f"run chmod 600 {path}" in said.err) is warned
