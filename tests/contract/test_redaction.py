"""The search for secrets in all that the suite logs finds what it is there for, and fails the test that logged it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.builders import ADMIN_SECRET, HOOK_SECRET, OPERATOR_TOKEN, OTHER_HOOK_SECRET
from tests.redaction import leaks_in

ROOT = Path(__file__).resolve().parents[2]
LEAKING = f"""
import logging, sys
from pathlib import Path
import structlog

def test_in_a_record_that_nobody_sees():
    logging.getLogger("quiet").warning("refused %s", {OPERATOR_TOKEN!r})

def test_in_a_structured_record():
    structlog.stdlib.LoggerFactory()().error({{"event": "x", "headers": {{"x": {ADMIN_SECRET!r}}}}})

def test_in_a_log_file(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "serve.log").write_text("… {HOOK_SECRET} …")

def test_in_what_was_printed():
    print("Authorization: Bearer", "x" * 30, file=sys.stderr)

def test_in_nothing(tmp_path):
    (tmp_path / "serve.log").write_text("hook_secrets changed")
    logging.getLogger("plain").warning("stream_tokens changed")
"""
OPTIONS = ["-q", "-c", "/dev/null", "-p", "tests.redaction", "-p", "no:cacheprovider"]
# Put together here, so that this file holds none.
JWT = ".".join(["eyJhbGciOiJSUzI1NiJ9", "eyJzdWIiOiJhdXRoMHxhbm4ifQ", "c2lnbmF0dXJlLW9mLXRlc3Rz"])


def test_each_way_to_log_a_secret_fails_its_test_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "test_leaks.py").write_text(LEAKING)

    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *OPTIONS,
            "--rootdir",
            str(tmp_path),
            str(tmp_path / "test_leaks.py"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    told = {line.partition("::")[2].partition(" ")[0] for line in done.stdout.splitlines() if "::" in line}
    assert done.returncode == 1, done.stdout
    assert told == {
        "test_in_a_record_that_nobody_sees",
        "test_in_a_structured_record",
        "test_in_a_log_file",
        "test_in_what_was_printed",
    }


@pytest.mark.parametrize(
    "text",
    [
        ADMIN_SECRET,
        OPERATOR_TOKEN,
        f"secret={HOOK_SECRET}",
        OTHER_HOOK_SECRET.removeprefix("whsec_"),
        "the-stream-token-of-the-tests-0123456789",
        f"token {JWT}",
        f"authorization: Bearer {'0' * 32}",
        "/hooks/default/webhook-extension?writeKey=the-first-stream",
        "postgresql://frontdesk:correct-horse@127.0.0.1/x",
    ],
)
def test_a_secret_is_found_wherever_it_stands(text: str) -> None:
    assert leaks_in(f'{{"event":"x","value":"{text}"}}')


@pytest.mark.parametrize(
    "text",
    [
        "names=['hasura.admin_secret', 'tenants.default.hook_secrets']",
        "expected one or several secrets whsec_<base64 of at least 24 bytes>",
        "postgresql://frontdesk@127.0.0.1/x",
        "postgresql://frontdesk:***@127.0.0.1/x",
        "the header Authorization: Bearer <token> is missing",
        "POST /hooks/default/webhook-extension?writeKey=***",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert leaks_in(text) == []
