"""`docs/stand-ins.md` lists what the stand-ins answer; it must be what the code answers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import cast

import pytest

from localauth0.app import create_app
from localauth0.live import LiveTenant
from localhasura.auth import Authenticator
from localhasura.config import Options
from localhasura.metadata.commands import BULKS, CHANGES, READS
from localhasura.metadata.known_commands import OF_SOURCES, OF_THE_WHOLE
from localhasura.metadata.rows import ROW_COMMANDS
from localhasura.metadata.run_sql import BULKS as SQL_BULKS
from localhasura.metadata.run_sql import RUN_SQL
from localhasura.metadata.service import MetadataService
from localhasura.metadata.store import MetadataStore
from localhasura.routes import Application

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "stand-ins.md").read_text()


def _listed(heading: str) -> str:
    found = re.search(rf"^## {re.escape(heading)}\n(?:(?!^## ).)*?^```text\n(.*?)^```", PAGE, re.M | re.S)
    assert found is not None, f"no list under the heading {heading!r}"
    return found[1]


def test_the_paths_of_localhasura_are_listed() -> None:
    # Nothing connects before the start, so an address that nobody listens on will do.
    options = Options(database_url="postgresql://127.0.0.1:1/none")
    service = MetadataService(options, MetadataStore(options.database_url))
    authenticator = Authenticator(admin_secrets=["x"])
    application = Application(service, authenticator, options)

    assert _listed("localhasura: paths").splitlines() == sorted(application.paths)


@pytest.mark.parametrize(
    ("heading", "registered"),
    [
        ("localhasura: commands of `/v1/metadata`", {*CHANGES, *READS, *BULKS}),
        ("localhasura: commands about SQL and rows", {*ROW_COMMANDS, *RUN_SQL, *SQL_BULKS}),
        ("localhasura: commands of Hasura that are refused by name", OF_SOURCES | OF_THE_WHOLE),
    ],
)
def test_the_commands_of_localhasura_are_listed(heading: str, registered: set[str]) -> None:
    assert _listed(heading).split() == sorted(registered)


def test_no_command_is_both_served_and_refused() -> None:
    refused = OF_THE_WHOLE | {f"pg_{name}" for name in OF_SOURCES}

    assert not refused & {*CHANGES, *READS, *BULKS}


def test_the_paths_of_localauth0_are_listed() -> None:
    # Routes are registered without a look at the tenant.
    nobody = cast(LiveTenant, object())
    paths = {
        f"{method} {rule}"
        for rule in create_app(nobody).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert _listed("localauth0: paths").splitlines() == sorted(paths)


@pytest.mark.parametrize("name", ["localhasura", "localauth0"])
def test_the_page_leads_to_the_readme_of_each(name: str) -> None:
    assert f"(../backend/{name}/README.md)" in PAGE
    assert (ROOT / "backend" / name / "README.md").is_file()
