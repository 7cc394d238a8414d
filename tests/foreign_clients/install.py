"""Install the JavaScript clients that `package-lock.json` pins, from the npm registry that is configured.

Run it as `make foreign-clients`; what is there already is left alone. No install script of a package runs.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.foreign_clients import FOLDER, INSTALLED
from tests.node_versions import node_binary, wheel_root

INSTALL_LIMIT_S = 600


def main() -> int:
    """Install what is missing or older than the lock file; 1 with npm's own words when it fails."""
    marker, lock = INSTALLED / ".package-lock.json", FOLDER / "package-lock.json"
    if marker.exists() and marker.stat().st_mtime >= lock.stat().st_mtime:
        return 0
    print("Installing the JavaScript clients for Hasura and Auth0 …", flush=True)
    npm = wheel_root() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    try:
        done = subprocess.run(
            [node_binary(22), npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            timeout=INSTALL_LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print(f"npm did not end within {INSTALL_LIMIT_S} s.", file=sys.stderr)
        return 1
    if done.returncode != 0:
        print(f"npm could not install them:\n{done.stderr.strip()}", file=sys.stderr)
        return 1
    marker.touch()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
