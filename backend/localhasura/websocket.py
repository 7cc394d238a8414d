"""Websockets are not served; a GraphQL client is told so in its own protocol.

A refused upgrade is a connection error without a reason to most clients, and many of them try again and again. So the
upgrade is granted, and the answer is the refusal that the protocol has for a connection: Apollo's older protocol has a
message for it, and the newer one closes with 4400, after which clients do not try again.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from localhasura.jsontext import compact

REASON = "subscriptions are not supported here: queries and mutations go over HTTP"
_CLOSED = f"4400: Connection initialization failed: {REASON}"
_CLOSE_CODE = 4400
_APOLLO, _CURRENT = "graphql-ws", "graphql-transport-ws"
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""Of RFC 6455: it goes into every accepted handshake."""
_TEXT, _CLOSE, _FINAL = 0x1, 0x8, 0x80
_SHORT, _TWO_BYTES = 126, 126


def is_upgrade(environ: Mapping[str, str]) -> bool:
    return environ.get("HTTP_UPGRADE", "").lower() == "websocket"


def refusal(environ: Mapping[str, str]) -> tuple[list[tuple[str, str]], bytes] | None:
    """Return headers and body of the answer 101 that refuses; None for a client of no known protocol."""
    key = environ.get("HTTP_SEC_WEBSOCKET_KEY")
    offered = [each.strip() for each in environ.get("HTTP_SEC_WEBSOCKET_PROTOCOL", "").split(",")]
    protocol = next((each for each in offered if each in (_APOLLO, _CURRENT)), None)
    if key is None or protocol is None or environ.get("HTTP_SEC_WEBSOCKET_VERSION") != "13":
        return None
    accept = base64.b64encode(hashlib.sha1(f"{key}{_GUID}".encode(), usedforsecurity=False).digest())
    headers = [("Sec-WebSocket-Accept", accept.decode()), ("Sec-WebSocket-Protocol", protocol)]
    told = b""
    if protocol == _APOLLO:
        message = compact({"type": "connection_error", "payload": {"message": REASON}})
        told = _frame(_TEXT, message.encode())
    return headers, told + _frame(_CLOSE, _CLOSE_CODE.to_bytes(2) + _CLOSED.encode())


def _frame(kind: int, payload: bytes) -> bytes:
    size = len(payload)
    length = bytes([size]) if size < _SHORT else bytes([_TWO_BYTES]) + size.to_bytes(2)
    return bytes([_FINAL | kind]) + length + payload
