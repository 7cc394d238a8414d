"""JavaScript clients that other people made for Hasura and for Auth0, and where they are.

`package-lock.json` pins every package by its hash and names no registry: npm takes the one that is configured.
A run without the packages reports their tests as skipped, with the command in the reason.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.node_versions import node_binary

FOLDER = Path(__file__).parent
INSTALLED = FOLDER / "node_modules"
INSTALL_COMMAND = "make foreign-clients"
RUN_LIMIT_S = 60


def is_installed() -> bool:
    """Tell whether npm has finished; it writes this file last."""
    return (INSTALLED / ".package-lock.json").exists()


def run_script(name: str, order: dict[str, Any]) -> Any:
    """Run `name` in Node, hand it `order` as JSON on stdin, and return the JSON that it prints.

    The order carries secrets, so it goes neither over the command line nor through the environment.
    """
    done = subprocess.run(
        [node_binary(22), FOLDER / name],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        timeout=RUN_LIMIT_S,
        cwd=FOLDER,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
