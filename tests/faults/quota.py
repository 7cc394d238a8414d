"""PostgreSQL's own words for a full disk, said on the wire: for where nobody may mount a small disk.

The wire reads the frontend's messages up to each Sync; a group that writes to the queue is answered with 53100 and
never reaches the server, which is what a client sees of a tablespace that cannot be extended.
Source: PostgreSQL documentation, "Message Formats" and "Message Flow, Extended Query".
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

_WRITES_THE_QUEUE = re.compile(rb"\b(INSERT\s+INTO|COPY)\s+(frontdesk\.)?deliveries\b", re.IGNORECASE)
_END_OF_GROUP = (
    b"SQHXpdcf"  # Sync, Query, Flush, Terminate, passwords, COPY: nothing is held back behind these
)
_HEADER_BYTES = 5


class Quota:
    """The switch of all connections of a wire; `refused` counts the writes that met it."""

    def __init__(self) -> None:
        self.used_up = False
        self.refused = 0

    def connection(self) -> QuotaListener:
        """Return what sits on one connection."""
        return QuotaListener(self)


@dataclass
class _Messages:
    """Cuts a stream into messages; before the first typed one come the start-up packets, which have no type."""

    untyped: bool = False
    rest: bytes = b""

    def cut(self, data: bytes) -> list[tuple[bytes, bytes]]:
        found = []
        self.rest += data
        while message := self._next():
            found.append(message)
        return found

    def _next(self) -> tuple[bytes, bytes] | None:
        start = 0 if self.untyped else 1
        if len(self.rest) < start + 4:
            return None
        length = start + struct.unpack_from("!I", self.rest, start)[0]
        if len(self.rest) < length:
            return None
        whole, self.rest = self.rest[:length], self.rest[length:]
        # A request for encryption (80877103, 80877104) is followed by another packet without a type.
        if self.untyped and length > 8:
            self.untyped = False
            return b"", whole
        return (b"" if self.untyped else whole[:1]), whole


@dataclass
class QuotaListener:
    """One connection: refuses writes to the queue while the quota is used up."""

    quota: Quota
    _client: _Messages = field(default_factory=lambda: _Messages(untyped=True))
    _tail: bytes = b""
    _group: list[tuple[bytes, bytes]] = field(default_factory=list)
    _statements: dict[bytes, bool] = field(default_factory=dict)

    def from_client(self, data: bytes) -> tuple[bytes, bytes]:
        """Return what goes on to the server, and what goes back to the client."""
        on, back = bytearray(), bytearray()
        for kind, whole in self._client.cut(data):
            self._group.append((kind, whole))
            if kind and kind not in _END_OF_GROUP:
                continue
            group, self._group = self._group, []
            if self._writes_the_queue(group) and self.quota.used_up:
                self.quota.refused += 1
                back += _no_space() + self._ready()
            else:
                on += b"".join(whole for _, whole in group)
        return bytes(on), bytes(back)

    def from_server(self, data: bytes) -> bytes:
        """Return what goes on to the client."""
        self._tail = (self._tail + data)[-6:]
        return data

    def _writes_the_queue(self, group: list[tuple[bytes, bytes]]) -> bool:
        writes = False
        for kind, whole in group:
            if kind == b"Q":
                writes |= _WRITES_THE_QUEUE.search(whole) is not None
            elif kind == b"P":
                name, query = whole[_HEADER_BYTES:].split(b"\0", 2)[:2]
                self._statements[name] = _WRITES_THE_QUEUE.search(query) is not None
            elif kind == b"B":
                name = whole[_HEADER_BYTES:].split(b"\0", 2)[1]
                writes |= self._statements.get(name, False)
        return writes

    def _ready(self) -> bytes:
        """Return ReadyForQuery: inside a transaction it has failed, and the client has to roll it back."""
        # The server's last word was a ReadyForQuery: a client asks when it is idle.
        state = self._tail[-1:] if self._tail[:1] == b"Z" else b"T"
        return b"Z" + struct.pack("!I", 5) + (b"I" if state == b"I" else b"E")


def _no_space() -> bytes:
    fields = (
        b"SERROR",
        b"VERROR",
        b"C53100",
        b'Mcould not extend file "base/1/1": No space left on device',
        b"HCheck free disk space.",
    )
    body = b"".join(each + b"\0" for each in fields) + b"\0"
    return b"E" + struct.pack("!I", len(body) + 4) + body
