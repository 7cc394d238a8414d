"""docs/how-to/debug-a-token.md: the doctor says what the page says that it says."""

from __future__ import annotations

import re
import time

import pytest
from tests.integration.hasura.token_cases import CONFIGS, REFUSED
from tests.integration.hasura.tokens import public_jwk, publishing, rsa_key

from frontdesk.hasura.jwt_config import JwtConfig
from frontdesk.hasura.token_doctor import diagnose, engine_with
from frontdesk.settings_reference import PROJECT

PAGE = (PROJECT / "docs" / "how-to" / "debug-a-token.md").read_text()


def quoted_words() -> list[str]:
    rows = re.findall(r"^\| `(.+?)` \|", PAGE.partition("## What is usually wrong")[2], re.MULTILINE)
    return list(rows)


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    """Every sentence of the doctor for the tokens that engine and doctor refuse alike."""
    found = []
    with publishing(public_jwk(rsa_key())) as url:
        for config, make, _, _ in REFUSED.values():
            known = CONFIGS[config]
            value = {**known, "jwk_url": url} if "jwk_url" in known else known
            found.append(
                diagnose(make(), engine_with(JwtConfig.from_json(value), "a test"), now=time.time()).sentence
            )
    return found


@pytest.mark.parametrize("words", quoted_words())
def test_what_the_page_quotes_is_what_the_doctor_says(words: str, sentences: list[str]) -> None:
    assert any(words in sentence for sentence in sentences)


def test_the_page_quotes_the_doctor() -> None:
    assert len(quoted_words()) > 10
