"""Sends recorded traffic of the Management API again, and compares the answers with the recorded ones.

Ids that the tenant made take the place of the recorded ones in what follows. Statuses must be equal, and answers must
have the recorded shape: the same keys, types and error codes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import yaml
from tests.integration.localauth0.acme import TIMEOUT_S

RECORDINGS = Path(__file__).parents[2] / "data" / "auth0" / "recordings"
_IDS = frozenset({"id", "client_id", "user_id", "next"})
_CODES = frozenset({"statusCode", "error", "errorCode"})


class Replay:
    """One recording against one tenant."""

    def __init__(self, url: str, token: str, name: str) -> None:
        self._url, self._headers = url, {"Authorization": f"Bearer {token}"}
        document = yaml.safe_load((RECORDINGS / f"{name}.yaml").read_text(encoding="utf-8"))
        self.interactions: list[dict[str, Any]] = document["interactions"]
        self._ids: dict[str, str] = {}

    def differences(self) -> list[str]:
        """Send all of it, in order; return how the answers differ, each with the call."""
        found = []
        for interaction in self.interactions:
            request, recorded = interaction["request"], interaction["response"]
            answer = self._send(request)
            call = f"{request['method']} {urlsplit(request['url']).path}"
            if answer.status_code != recorded["code"]:
                found.append(f"{call}: {answer.status_code} for {recorded['code']}: {answer.text}")
                continue
            if recorded["body"]:
                expected, given = json.loads(recorded["body"]), answer.json()
                self._remember(expected, given)
                found += [f"{call}: {difference}" for difference in shape_differences(expected, given)]
            elif answer.content:
                found.append(f"{call}: a body where none was recorded")
        return found

    def _send(self, request: dict[str, Any]) -> requests.Response:
        parts = urlsplit(request["url"])
        target = self._renamed(parts.path + (f"?{parts.query}" if parts.query else ""))
        return requests.request(
            request["method"],
            self._url + target,
            data=self._renamed(request["body"]).encode(),
            headers={**self._headers, "Content-Type": _content_type(request)},
            timeout=TIMEOUT_S,
        )

    def _renamed(self, text: str) -> str:
        for recorded, made in self._ids.items():
            text = text.replace(recorded, made)
        return text

    def _remember(self, expected: Any, given: Any) -> None:
        if isinstance(expected, list) and isinstance(given, list):
            for left, right in zip(expected, given, strict=False):
                self._remember(left, right)
        if isinstance(expected, dict) and isinstance(given, dict):
            for key in expected.keys() & given.keys():
                if key in _IDS:
                    self._ids[str(expected[key])] = str(given[key])
                self._remember(expected[key], given[key])


def shape_differences(expected: Any, given: Any, path: str = "") -> list[str]:
    """How the shape of `given` differs: keys, types, lengths of lists, and the codes of errors."""
    if type(expected) is not type(given):
        return [f"{path or '.'}: {type(given).__name__} for {type(expected).__name__}"]
    if isinstance(expected, dict):
        return _object_differences(expected, given, path)
    if isinstance(expected, list):
        if len(expected) != len(given):
            return [f"{path}: {len(given)} items for {len(expected)}"]
        pairs = enumerate(zip(expected, given, strict=True))
        return [one for at, (left, right) in pairs for one in shape_differences(left, right, f"{path}[{at}]")]
    return []


def _object_differences(expected: dict[str, Any], given: dict[str, Any], path: str) -> list[str]:
    found = [f"{path}.{key}: missing" for key in sorted(expected.keys() - given.keys())]
    found += [f"{path}.{key}: not recorded" for key in sorted(given.keys() - expected.keys())]
    for key in sorted(expected.keys() & given.keys()):
        found += shape_differences(expected[key], given[key], f"{path}.{key}")
        # The error that an Action threw is an object, and says what it says.
        if key in _CODES and not isinstance(expected[key], dict) and expected[key] != given[key]:
            found.append(f"{path}.{key}: {given[key]!r} for {expected[key]!r}")
    return found


def _content_type(request: dict[str, Any]) -> str:
    return str(request["headers"].get("Content-Type", ["application/json"])[0])
