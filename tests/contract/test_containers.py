"""docker-compose.yml and Dockerfile, as far as they can be checked without an engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
SERVICES: dict[str, Any] = yaml.safe_load(COMPOSE)["services"]
VARIABLE = re.compile(r"\$\{([A-Z_]+)(:\?[^}]*)?\}")


def test_every_variable_is_required_and_none_has_a_default() -> None:
    assert {match[0] for match in VARIABLE.finditer(COMPOSE)}, "the compose file takes its secrets from .env"
    assert [match[1] for match in VARIABLE.finditer(COMPOSE) if not match[2]] == []
    assert ":-" not in COMPOSE


def test_every_variable_is_documented_in_the_example_environment() -> None:
    documented = re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)

    assert {match[1] for match in VARIABLE.finditer(COMPOSE)} <= set(documented)


def test_the_example_environment_holds_no_secret() -> None:
    for line in (ROOT / ".env.example").read_text().splitlines():
        name, separator, value = line.partition("=")
        if separator and re.search(r"SECRET|PASSWORD|TOKEN", name) and not name.endswith("_FILE"):
            assert value.strip() == "", f"{name} has a value"


@pytest.mark.parametrize("service", [name for name in SERVICES if "build" not in SERVICES[name]])
def test_images_are_pinned_to_an_exact_version(service: str) -> None:
    tag = SERVICES[service]["image"].rpartition(":")[2]

    assert re.match(r"v?\d+\.\d+", tag), f"{service}: {tag} moves"


def test_base_images_are_pinned_to_a_patch_version() -> None:
    tags = re.findall(r"^FROM \S+?:(\S+)", DOCKERFILE, re.MULTILINE)

    assert tags
    assert all(re.match(r"\d+\.\d+\.\d+-", tag) for tag in tags)


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_every_mounted_path_of_the_project_exists(service: str) -> None:
    for mount in SERVICES[service].get("volumes", []):
        source = mount.split(":", 1)[0]
        if source.startswith("./") and source != "./frontdesk.toml":
            assert (ROOT / source).exists(), f"{source} is mounted and missing"


def test_the_settings_file_that_is_mounted_has_an_example() -> None:
    assert (ROOT / "frontdesk.example.toml").exists()


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_ports_are_published_on_loopback_only(service: str) -> None:
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[service].get("ports", []))


@pytest.mark.parametrize("service", ["postgres", "hasura"])
def test_what_others_wait_for_has_a_health_check(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"]


def test_every_copied_path_exists_and_is_sent_to_the_builder() -> None:
    ignored = (ROOT / ".dockerignore").read_text()
    sources = re.findall(r"^COPY (?!--from)(\S+) ", DOCKERFILE, re.MULTILINE)

    assert sources
    for source in sources:
        assert (ROOT / source).exists()
        assert f"!{source}\n" in ignored


def test_the_container_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)

    assert users
    assert users[-1] not in {"root", "0"}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-serve.lock"])
def test_lock_files_pin_versions_by_hash_and_name_no_address(name: str) -> None:
    text = (ROOT / name).read_text()

    pins = re.findall(
        r"^([a-z][\w.-]*)==\S+.*?((?:\\\n\s+--hash=sha256:[0-9a-f]{64}\s*)+)", text, re.MULTILINE
    )
    assert len(pins) == len(re.findall(r"^[a-z]", text, re.MULTILINE))
    assert "://" not in text


def test_the_service_lock_agrees_with_the_development_lock() -> None:
    everything, service = (
        dict(re.findall(r"^([a-z][\w.-]*)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-serve.lock")
    )

    assert service.items() <= everything.items()
