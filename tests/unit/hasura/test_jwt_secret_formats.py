"""A JWT secret in each format is read back as it was, by the reader of the place that it goes to."""

from __future__ import annotations

import io
import json
import subprocess
from typing import Any

import pytest
import yaml
from dotenv import dotenv_values
from hypothesis import given, settings
from hypothesis import strategies as st

from frontdesk.hasura.jwt_config import JwtConfig
from frontdesk.hasura.jwt_secret import FORMATS, formatted

# Everything that a quoting rule of one of the places could trip over.
NASTY = "it's $HOME ${X} $(id) `id` \\ \\n \n\t\" # !! %s é \x7f : - {{x}} \u2028"
_texts = st.text(alphabet=st.sampled_from("a'\"\\$`#!{}\n\t\x7fé \u2028:"), min_size=32, max_size=60)


def a_config(key: str) -> JwtConfig:
    return JwtConfig.from_json({"type": "HS256", "key": key, "audience": NASTY, "issuer": "i"})


def read_back(how: str, text: str) -> Any:
    """Return what the place that the format is for makes of it."""
    if how == "env":
        values = dotenv_values(stream=io.StringIO(text), interpolate=True)
        return json.loads(values["HASURA_GRAPHQL_JWT_SECRET"] or "")
    if how == "compose":
        service = yaml.safe_load(text)["services"]["graphql-engine"]
        return json.loads(service["environment"]["HASURA_GRAPHQL_JWT_SECRET"].replace("$$", "$"))
    if how == "kubernetes":
        return json.loads(yaml.safe_load(text)["stringData"]["HASURA_GRAPHQL_JWT_SECRET"])
    return json.loads(text)


@pytest.mark.parametrize("how", FORMATS)
@settings(max_examples=25)
@given(key=_texts)
def test_every_format_comes_back_as_the_same_secret(how: Any, key: str) -> None:
    config = a_config(key)

    assert read_back(how, formatted(config, how)) == config.as_json()


def test_a_shell_reads_the_variable_as_it_is() -> None:
    config = a_config(NASTY)
    script = formatted(config, "env") + '\nprintf %s "$HASURA_GRAPHQL_JWT_SECRET"'

    printed = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True, env={}).stdout

    assert json.loads(printed) == config.as_json()


def test_compose_puts_no_variable_into_the_secret() -> None:
    line = formatted(a_config(NASTY), "compose")

    assert "$" not in line.replace("$$", "")
