"""Under which Node versions the Actions are tested in this run."""

from __future__ import annotations

import subprocess

import pytest
from tests.node_versions import INSTALL_COMMAND, VERSIONS, node_binary


@pytest.mark.parametrize("major", VERSIONS)
def test_actions_run_under_this_version(major: int) -> None:
    binary = node_binary(major)
    if not binary.exists():
        pytest.skip(f"Node {major} is not installed; `{INSTALL_COMMAND}` installs it")

    version = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=30, check=True)

    assert version.stdout.startswith(f"v{major}.")
