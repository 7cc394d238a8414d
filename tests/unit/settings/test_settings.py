"""Settings: where they come from, and how a wrong one is reported."""

import json
from pathlib import Path

import pytest
from tests.builders import ADMIN_SECRET, HOOK_SECRET, OPERATOR_TOKEN, OTHER_HOOK_SECRET, an_environment

from frontdesk.errors import SettingsInvalid, UsageError
from frontdesk.identity import BlockedUsers, ExtraClaim, RoleSource
from frontdesk.settings import Settings, load_settings, secret

THIRD_HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DOCUMENTED = {"FRONTDESK_CONFIG": "", "PATH": "/usr/bin", "HASURA_GRAPHQL_ADMIN_SECRET": "of another program"}


def loaded(tmp_path: Path, toml: str | None = None, /, **changes: str) -> Settings:
    if toml is not None:
        (tmp_path / "frontdesk.toml").write_text(toml)
    return load_settings(an_environment(**changes), tmp_path)


def faults(tmp_path: Path, environ: dict[str, str], toml: str | None = None) -> tuple[str, ...]:
    if toml is not None:
        (tmp_path / "frontdesk.toml").write_text(toml)
    with pytest.raises(SettingsInvalid) as raised:
        load_settings(environ, tmp_path)
    return raised.value.faults


def only_fault(tmp_path: Path, toml: str | None = None, /, **changes: str) -> str:
    (fault,) = faults(tmp_path, an_environment(**changes), toml)
    return fault


def test_the_environment_alone_is_enough(tmp_path: Path) -> None:
    settings = load_settings(an_environment() | DOCUMENTED, tmp_path)

    tenant = settings.tenants["default"]
    assert (tenant.domain, tenant.issuer) == ("acme.eu.auth0.com", "https://acme.eu.auth0.com/")
    assert secret(settings.hasura.admin_secret) == ADMIN_SECRET
    assert settings.login.budget_s == 1.2


def test_the_environment_wins_over_the_file_key_by_key(tmp_path: Path) -> None:
    toml = '[server]\nport = 1111\nhost = "0.0.0.0"\n[tenants.default]\nname = "acme"\ndomain = "other.example.com"\n'

    settings = loaded(tmp_path, toml, SERVER_PORT="2222")

    assert (settings.server.host, settings.server.port) == ("0.0.0.0", 2222)
    assert (settings.tenants["default"].name, settings.tenants["default"].domain) == (
        "acme",
        "acme.eu.auth0.com",
    )


def test_the_file_is_where_frontdesk_config_says(tmp_path: Path) -> None:
    path = tmp_path / "elsewhere.toml"
    path.write_text("[server]\nport = 1111\n")

    settings = load_settings(an_environment(CONFIG=str(path)), Path("/"))

    assert settings.server.port == 1111


def test_a_file_that_is_named_and_missing_is_a_fault(tmp_path: Path) -> None:
    fault = only_fault(tmp_path, CONFIG="missing.toml")

    assert "missing.toml" in fault
    assert "FRONTDESK_CONFIG names it" in fault


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"[server\n", "expected TOML"), (b"\xff\xfe", "not UTF-8"), (b"#" * (1024 * 1024 + 1), "larger than")],
    ids=["toml", "bytes", "size"],
)
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "frontdesk.toml").write_bytes(content)

    (fault,) = faults(tmp_path, an_environment())

    assert expected in fault


def test_several_tenants_come_from_file_and_environment_together(tmp_path: Path) -> None:
    toml = '[tenants.north_wind]\ndomain = "north.example.com"\naudience = "n"\n'

    settings = loaded(
        tmp_path, toml, TENANTS_NORTH_WIND_HOOK_SECRETS=f"{THIRD_HOOK_SECRET}, {OTHER_HOOK_SECRET}"
    )

    assert sorted(settings.tenants) == ["default", "north_wind"]
    secrets = settings.tenants["north_wind"].hook_secrets
    assert [secret(each) for each in secrets] == [THIRD_HOOK_SECRET, OTHER_HOOK_SECRET]


def test_a_tenant_is_chosen_by_key_or_is_the_only_one(tmp_path: Path) -> None:
    one = loaded(tmp_path)
    two = loaded(
        tmp_path,
        TENANTS_B_DOMAIN="b.example.com",
        TENANTS_B_AUDIENCE="b",
        TENANTS_B_HOOK_SECRETS=OTHER_HOOK_SECRET,
    )

    assert one.tenant()[0] == "default"
    assert two.tenant("b")[1].domain == "b.example.com"
    with pytest.raises(UsageError, match="b, default"):
        two.tenant()
    with pytest.raises(UsageError, match="known: default"):
        one.tenant("c")


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(f"{OPERATOR_TOKEN}\n")

    settings = loaded(tmp_path, OPERATOR_TOKEN_FILE=str(path))

    assert settings.operator_token is not None
    assert secret(settings.operator_token) == OPERATOR_TOKEN


def test_a_secret_and_its_file_together_are_a_fault(tmp_path: Path) -> None:
    fault = only_fault(tmp_path, HASURA_ADMIN_SECRET_FILE="somewhere")

    assert fault.startswith(
        "FRONTDESK_HASURA_ADMIN_SECRET_FILE: expected either it or FRONTDESK_HASURA_ADMIN_SECRET"
    )


def test_a_missing_secret_file_is_one_fault(tmp_path: Path) -> None:
    environ = an_environment(HASURA_ADMIN_SECRET_FILE=str(tmp_path / "missing"), HASURA_ADMIN_SECRET="")

    (fault,) = faults(tmp_path, environ)

    assert fault.startswith("FRONTDESK_HASURA_ADMIN_SECRET_FILE: expected the name of a readable text file")


@pytest.mark.parametrize(
    ("toml", "place", "variable"),
    [
        ('[hasura]\nadmin_secret = "hunter2"', "[hasura] admin_secret", "FRONTDESK_HASURA_ADMIN_SECRET"),
        ('operator_token = "hunter2"', "operator_token", "FRONTDESK_OPERATOR_TOKEN"),
        (
            '[tenants.acme]\ndomain = "a.example"\naudience = "a"\nhook_secrets = "hunter2"',
            "[tenants.acme] hook_secrets",
            "FRONTDESK_TENANTS_ACME_HOOK_SECRETS",
        ),
    ],
)
def test_a_secret_in_the_file_is_refused_by_name_and_not_shown(
    tmp_path: Path, toml: str, place: str, variable: str
) -> None:
    fault = only_fault(tmp_path, toml)

    assert fault.startswith(f"{place}: a secret does not belong in the file; set {variable}")
    assert "hunter2" not in fault


def test_nothing_set_names_every_required_key_at_once(tmp_path: Path) -> None:
    named = [fault.split(" ")[0] for fault in faults(tmp_path, {})]

    assert named == [
        "FRONTDESK_HASURA_URL",
        "FRONTDESK_HASURA_ADMIN_SECRET",
        "FRONTDESK_TENANTS_DEFAULT_DOMAIN",
        "FRONTDESK_TENANTS_DEFAULT_AUDIENCE",
        "FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS",
        "frontdesk.toml:",
    ]


def test_all_faults_come_in_one_message(tmp_path: Path) -> None:
    environ = an_environment(SERVER_PORT="0", LOG_LEVEL="loud", HASRUA_URL="x")

    with pytest.raises(SettingsInvalid) as raised:
        load_settings(environ, tmp_path)

    assert raised.value.detail.count("\n") == 3
    assert all(name in raised.value.detail for name in ("SERVER_PORT", "LOG_LEVEL", "HASRUA_URL"))


@pytest.mark.parametrize(
    ("variable", "suggestion"),
    [
        ("HASURA_ULR", "did you mean FRONTDESK_HASURA_URL?"),
        ("TENANTS_DEFAULT_DOMAINS", "did you mean FRONTDESK_TENANTS_DEFAULT_DOMAIN?"),
        ("OPERATOR_TOKEN_FILES", "did you mean FRONTDESK_OPERATOR_TOKEN_FILE?"),
        ("HASURA_URL_FILE", "did you mean FRONTDESK_HASURA_URL?"),
        ("CONFIGURATION", "did you mean FRONTDESK_CONFIG?"),
        ("ZZZ", "docs/reference/settings.md"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest_name(
    tmp_path: Path, variable: str, suggestion: str
) -> None:
    fault = only_fault(tmp_path, **{variable: "hunter2"})

    assert fault.startswith(f"FRONTDESK_{variable}: unknown setting")
    assert suggestion in fault
    assert "hunter2" not in fault


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("[server]\nprot = 1", "[server] prot: unknown setting; did you mean port?"),
        ("[sever]\nport = 1", "sever: unknown setting; did you mean server?"),
        (
            "[tenants.default]\ndomian = 'x'",
            "[tenants.default] domian: unknown setting; did you mean domain?",
        ),
        ("server = 7", "[server]: expected a table"),
        ("[tenants]\nacme = 7", "[tenants.acme]: expected a table"),
    ],
)
def test_a_key_of_the_file_that_is_not_there_is_refused(tmp_path: Path, toml: str, expected: str) -> None:
    assert only_fault(tmp_path, toml).startswith(expected)


def test_a_tenant_key_is_lower_case(tmp_path: Path) -> None:
    toml = '[tenants.Acme-Prod]\ndomain = "a.example"\naudience = "a"'

    named = faults(tmp_path, an_environment(), toml)

    assert any(fault.startswith("[tenants.Acme-Prod]: expected a tenant key") for fault in named)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FRONTDESK_SERVICE_HOST", "10.0.0.1"),
        ("FRONTDESK_SERVICE_PORT_HTTP", "80"),
        ("FRONTDESK_PORT", "tcp://10.0.0.1:80"),
        ("FRONTDESK_PORT_8500_TCP_ADDR", "10.0.0.1"),
    ],
)
def test_what_kubernetes_sets_beside_a_service_of_our_name_is_no_setting(
    tmp_path: Path, name: str, value: str
) -> None:
    assert load_settings(an_environment() | {name: value}, tmp_path)


def test_a_port_that_somebody_meant_is_no_service_link(tmp_path: Path) -> None:
    assert "did you mean" in only_fault(tmp_path, PORT="8500")


def test_an_empty_variable_counts_as_not_set(tmp_path: Path) -> None:
    settings = loaded(tmp_path, SERVER_PORT="", OPERATOR_TOKEN="", OPERATOR_TOKEN_FILE="")

    assert (settings.server.port, settings.operator_token) == (8500, None)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HASURA_URL", "hasura"),
        ("HASURA_URL", "ftp://hasura"),
        ("HASURA_URL", "http://"),
        ("HASURA_URL", "http://user:pass@hasura"),
        ("HASURA_URL", "http://hasura?x=1"),
        ("HASURA_URL", "http://hasura:99999"),
        ("HASURA_URL", "http://has ura"),
        ("HASURA_URL", "https://hasura.example.com/v1/graphql"),
        ("HASURA_URL", "https://hasura.example.com/base/v1/graphql/"),
        ("CLAIMS_DEFAULT_ROLE", "x" * 401),
        ("CLAIMS_EXTRA", '{"x-hasura-plan": "app_metadata.plan", "X-Hasura-Plan": "app_metadata.level"}'),
        ("HASURA_ADMIN_SECRET", "two words"),
        ("HASURA_ADMIN_SECRET", "line\nbreak"),
        ("HASURA_ADMIN_SECRET", "gehëim"),
        ("TENANTS_DEFAULT_DOMAIN", "https://acme.eu.auth0.com"),
        ("TENANTS_DEFAULT_DOMAIN", "acme.eu.auth0.com/"),
        ("TENANTS_DEFAULT_DOMAIN", "-acme.com"),
        ("TENANTS_DEFAULT_ISSUER", "https://acme.eu.auth0.com"),
        ("TENANTS_DEFAULT_ISSUER", "acme/"),
        ("TENANTS_DEFAULT_AUDIENCE", "two words"),
        ("TENANTS_DEFAULT_NAME", "Acme!"),
        ("TENANTS_DEFAULT_HOOK_SECRETS", "whsec_short"),
        ("TENANTS_DEFAULT_HOOK_SECRETS", HOOK_SECRET.removeprefix("whsec_")),
        ("TENANTS_DEFAULT_HOOK_SECRETS", f"{HOOK_SECRET} whsec_***"),
        ("TENANTS_DEFAULT_CLAIMS_NAMESPACE", "hasura"),
        ("TENANTS_DEFAULT_CLAIMS_NAMESPACE", "https://acme.auth0.com/claims"),
        ("LOGIN_BUDGET_S", "0"),
        ("LOGIN_BUDGET_S", "nan"),
        ("LOGIN_BUDGET_S", "inf"),
        ("LOGIN_BUDGET_S", "soon"),
        ("LOGIN_ON_UNAVAILABLE", "maybe"),
        ("LOGIN_BLOCKED_USERS", "allow"),
        ("LOGIN_ID_TOKEN_CLAIMS", "perhaps"),
        ("LOGIN_ID_TOKEN_NAMESPACE", "urn:x"),
        ("LOGIN_ID_TOKEN_NAMESPACE", "https://webtask.io/"),
        ("LOGIN_ID_TOKEN_NAMESPACE", "https://a.webtask.run/"),
        ("LOGIN_ID_TOKEN_NAMESPACE", "https://AUTH0.COM/"),
        ("LOGIN_ID_TOKEN_NAMESPACE", "https://auth0.com./"),
        ("LOGIN_ID_TOKEN_METADATA_LIMIT_BYTES", "100000"),
        ("CLAIMS_DEFAULT_ROLE", "admin"),
        ("CLAIMS_DEFAULT_ROLE", "FrontDesk"),
        ("CLAIMS_ROLE_SOURCES", "auth0,user_metadata"),
        ("CLAIMS_APP_METADATA_PATH", "a..b"),
        ("CLAIMS_ROLE_MAP", "Editor=editor"),
        ("CLAIMS_ROLE_MAP", '{"Boss":"admin"}'),
        ("CLAIMS_ROLE_MAP", '{"Boss":["admin"]}'),
        ("CLAIMS_PASS_UNMAPPED", "2"),
        ("CLAIMS_EXTRA", '{"x-hasura-user-id":"app_metadata.id"}'),
        ("CLAIMS_EXTRA", '{"X-Hasura-Role":"app_metadata.role"}'),
        ("CLAIMS_EXTRA", '{"x-hasura-plan":"user_metadata.plan"}'),
        ("CLAIMS_EXTRA", "[]"),
        ("ACTION_URL", "http://frontdesk.example.com"),
        ("ACTION_URL", "https://frontdesk.example.com?x"),
        ("ACTION_DEADLINE_MS", "5001"),
        ("ACTION_ON_FAILURE", "ignore"),
        ("ACTION_MAX_BODY_BYTES", "262145"),
        ("SERVER_HOST", "http://0.0.0.0"),
        ("SERVER_PORT", "65536"),
        ("SERVER_PORT", "eighty"),
        ("SERVER_WORKERS", "0"),
        ("SERVER_THREADS", "1.5"),
        ("LOG_LEVEL", "INFO!"),
        ("LOG_FORMAT", "xml"),
        ("OPERATOR_TOKEN", "short"),
        ("OPERATOR_TOKEN", "with a space in it, and long enough to pass"),
    ],
)
def test_a_wrong_value_is_one_fault_with_the_name_of_its_key(
    tmp_path: Path, variable: str, value: str
) -> None:
    fault = only_fault(tmp_path, **{variable: value})

    assert fault.startswith(f"FRONTDESK_{variable} ")
    assert "expected" in fault or "cannot be configured" in fault


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HASURA_ADMIN_SECRET", "hunter2 hunter2"),
        ("TENANTS_DEFAULT_HOOK_SECRETS", "hunter2"),
        ("OPERATOR_TOKEN", "hunter2"),
        ("HASURA_URL", "http://user:hunter2@hasura"),
        ("DATABASE_URL", "postgresql://user:hunter2%zz@db/frontdesk"),
        ("DATABASE_URL", "postgresql://user:hunter2@[::1/frontdesk"),
        ("DATABASE_URL", "mysql://user:hunter2@db/frontdesk"),
    ],
)
def test_no_fault_shows_a_secret(tmp_path: Path, variable: str, value: str) -> None:
    assert "hunter2" not in only_fault(tmp_path, **{variable: value})


def test_settings_do_not_print_their_secrets(tmp_path: Path) -> None:
    settings = loaded(tmp_path, OPERATOR_TOKEN=OPERATOR_TOKEN)

    printed = f"{settings!r} {settings} {settings.model_dump_json()}"
    assert not any(text in printed for text in (ADMIN_SECRET, HOOK_SECRET, OPERATOR_TOKEN))


def test_a_tenant_has_a_key_that_its_column_takes(tmp_path: Path) -> None:
    def settings_of(key: str) -> dict[str, str]:
        tenant = {name: value for name, value in an_environment().items() if "_TENANTS_" in name}
        rest = {name: value for name, value in an_environment().items() if "_TENANTS_" not in name}
        return rest | {name.replace("DEFAULT", key.upper()): value for name, value in tenant.items()}

    assert list(load_settings(settings_of("a" * 64), tmp_path).tenants) == ["a" * 64]
    (fault,) = faults(tmp_path, settings_of("a" * 65))
    assert "at most 64 lower-case letters" in fault


def test_the_budget_of_a_login_is_inside_the_deadline_of_the_action(tmp_path: Path) -> None:
    fault = only_fault(tmp_path, LOGIN_BUDGET_S="1.5")

    assert fault.startswith(
        "FRONTDESK_LOGIN_BUDGET_S ([login] budget_s): expected less than action.deadline_ms"
    )


@pytest.mark.parametrize("metadata", ["app_metadata", "user_metadata"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_metadata_on_the_id_token_is_never_the_hasura_claims(
    tmp_path: Path, metadata: str, slash: str
) -> None:
    """Users may write their user_metadata themselves: they would choose their own roles."""
    fault = only_fault(
        tmp_path,
        LOGIN_ID_TOKEN_NAMESPACE=f"https://app.example.com/hasura{slash}",
        TENANTS_DEFAULT_CLAIMS_NAMESPACE=f"https://app.example.com/hasura/{metadata}",
    )

    assert fault.startswith("FRONTDESK_LOGIN_ID_TOKEN_NAMESPACE ([login] id_token_namespace): expected")
    assert "tenant default" in fault


def test_two_tenants_share_no_hook_secret(tmp_path: Path) -> None:
    tenant = {"TENANTS_B_DOMAIN": "b.example.com", "TENANTS_B_AUDIENCE": "b"}

    fault = only_fault(tmp_path, **tenant, TENANTS_B_HOOK_SECRETS=f"{OTHER_HOOK_SECRET} {HOOK_SECRET}")

    assert fault.startswith("FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS: expected secrets of its own")
    assert HOOK_SECRET not in fault
    assert loaded(tmp_path, **tenant, TENANTS_B_HOOK_SECRETS=OTHER_HOOK_SECRET)


def test_lists_and_tables_can_be_variables(tmp_path: Path) -> None:
    settings = loaded(
        tmp_path,
        CLAIMS_ROLE_SOURCES="auth0, database",
        CLAIMS_ROLE_MAP=json.dumps({"Editor": "editor"}),
        CLAIMS_EXTRA=json.dumps({"X-Hasura-Plan": "app_metadata.plan"}),
        CLAIMS_APP_METADATA_PATH="hasura.roles",
        LOGIN_BLOCKED_USERS="least_privilege",
    )

    policy = settings.claims_policy()
    assert policy.role_sources == {RoleSource.AUTH0, RoleSource.DATABASE}
    assert policy.role_map == {"Editor": "editor"}
    assert list(policy.extra) == [ExtraClaim("x-hasura-plan", ("app_metadata", "plan"))]
    assert policy.app_metadata_path == ("hasura", "roles")
    assert policy.blocked_users is BlockedUsers.LEAST_PRIVILEGE


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("HASURA_URL", "https://hasura.example.com/base/"),
        ("HASURA_URL", "http://[::1]:8080"),
        ("TENANTS_DEFAULT_DOMAIN", "127.0.0.1:8502"),
        ("TENANTS_DEFAULT_ISSUER", "http://127.0.0.1:8502/"),
        ("ACTION_URL", "http://localhost:8500/"),
        ("SERVER_HOST", "::"),
    ],
)
def test_values_that_a_laptop_or_a_proxy_needs_are_accepted(
    tmp_path: Path, variable: str, value: str
) -> None:
    assert loaded(tmp_path, **{variable: value})


@pytest.mark.parametrize("other", ["claims", "sync", "claims,sync"])
def test_actions_that_do_the_same_work_are_not_deployed_together(tmp_path: Path, other: str) -> None:
    fault = only_fault(tmp_path, ACTION_NAMES=f"post-login,{other}")

    assert fault.startswith("FRONTDESK_ACTION_NAMES ([action] names): expected post-login or ")
    assert fault.endswith("not both: post-login does their work too")


def test_the_two_separate_actions_of_a_login_go_together(tmp_path: Path) -> None:
    assert loaded(tmp_path, ACTION_NAMES="claims,sync").action.names == ("claims", "sync")
