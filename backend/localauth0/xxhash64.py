"""XXH64, the hash that log streams put in the place of personal data.

Source: the published specification of the xxHash algorithm, 64 bits, seed 0.
"""

from __future__ import annotations

import struct

_BITS = (1 << 64) - 1
_P1, _P2, _P3, _P4, _P5 = (
    0x9E3779B185EBCA87,
    0xC2B2AE3D27D4EB4F,
    0x165667B19E3779F9,
    0x85EBCA77C2B2AE63,
    0x27D4EB2F165667C5,
)
_STRIPE_BYTES = 32


def xxh64(data: bytes) -> int:
    """The 64-bit hash of the data."""
    whole = len(data) - len(data) % _STRIPE_BYTES
    total = (_of_stripes(data[:whole]) if whole else _P5) + len(data)
    return _avalanche(_with_rest(total & _BITS, data[whole:]))


def _of_stripes(data: bytes) -> int:
    lanes = [(_P1 + _P2) & _BITS, _P2, 0, -_P1 & _BITS]
    for stripe in struct.iter_unpack("<4Q", data):
        lanes = [_round(lane, word) for lane, word in zip(lanes, stripe, strict=True)]
    total = sum(_rotated(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)) & _BITS
    for lane in lanes:
        total = ((total ^ _round(0, lane)) * _P1 + _P4) & _BITS
    return total


def _with_rest(total: int, rest: bytes) -> int:
    """What fits no stripe, in words of eight bytes, then one of four, then single bytes."""
    at = 0
    while len(rest) - at >= 8:
        (word,) = struct.unpack_from("<Q", rest, at)
        total = (_rotated(total ^ _round(0, word), 27) * _P1 + _P4) & _BITS
        at += 8
    if len(rest) - at >= 4:
        (half,) = struct.unpack_from("<I", rest, at)
        total = (_rotated(total ^ (half * _P1 & _BITS), 23) * _P2 + _P3) & _BITS
        at += 4
    for byte in rest[at:]:
        total = _rotated(total ^ (byte * _P5 & _BITS), 11) * _P1 & _BITS
    return total


def _avalanche(total: int) -> int:
    total = (total ^ total >> 33) * _P2 & _BITS
    total = (total ^ total >> 29) * _P3 & _BITS
    return total ^ total >> 32


def _round(lane: int, word: int) -> int:
    return _rotated((lane + word * _P2) & _BITS, 31) * _P1 & _BITS


def _rotated(value: int, by: int) -> int:
    return (value << by | value >> (64 - by)) & _BITS
