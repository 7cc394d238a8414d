"""A real HTTP server that answers from a script, for what no tenant can be made to do on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.loopback import LoopbackServer, QuietHandler

TOKEN = {
    "access_token": "token-1",
    "scope": "read:actions read:clients",
    "expires_in": 86400,
    "token_type": "Bearer",
}


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One answer: its status, JSON body (or text), and headers. `hang_up` ends the connection instead."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hang_up: bool = False


@dataclass(frozen=True, kw_only=True)
class Call:
    """What the server was asked."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: str


class ScriptedServer(LoopbackServer):
    """Answers each path with the next answer of its list; the last one stays."""

    def __init__(self, script: Mapping[str, list[Answer]]) -> None:
        self.calls: list[Call] = []
        self._script = {"/oauth/token": [Answer(body=TOKEN)]} | {
            path: list(each) for path, each in script.items()
        }
        self._lock = threading.Lock()
        owner = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                path, body = self.path.partition("?")[0], self.body().decode()
                answer = owner._next(
                    Call(method=self.command, path=path, headers=dict(self.headers), body=body)
                )
                if answer.hang_up:
                    self.close_connection = True
                    return
                content = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
                headers = {"content-type": "application/json", **answer.headers}
                self.answer(answer.status, headers, content.encode())

            do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = _answer

        super().__init__(Handler)

    def paths(self) -> list[str]:
        """Return the paths asked so far, in order."""
        return [call.path for call in self.calls]

    def _next(self, call: Call) -> Answer:
        with self._lock:
            self.calls.append(call)
            answers = self._script.get(
                call.path, [Answer(status=404, body={"statusCode": 404, "message": "?"})]
            )
            return answers.pop(0) if len(answers) > 1 else answers[0]
