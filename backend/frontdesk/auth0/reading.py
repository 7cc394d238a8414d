"""What reading everybody gives, by whichever way: records as Auth0 wrote them, before anybody has judged them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

from frontdesk.identity import JsonObject


class Way(StrEnum):
    """How everybody is read."""

    PAGES = "pages"
    WINDOWS = "windows"
    JOB = "job"
    FILE = "file"


@dataclass(frozen=True, kw_only=True, slots=True)
class RawRecord:
    """The `number`-th record of a reading: a JSON object in `record`, or None and why in `fault`.

    Numbers only grow, also over resumed readings, so a number names one record of a pass. `resume` is a JSON object
    with which `Reading.records` goes on after this record; records may share it, so it is not to be changed. `size` is
    the record's length in bytes, roughly: what many records together take is for the reader to bound.
    """

    number: int
    record: dict[str, Any] | None = field(repr=False)
    resume: JsonObject = field(repr=False)
    size: int
    fault: str | None = None
    raw: str = field(default="", repr=False)

    @property
    def text(self) -> str:
        """The record as text that a database holds, for whoever sets it aside.

        With a fault of the line it is as it came, cut to a bound, null bytes as `␀`.
        """
        if self.record is None:
            return self.raw
        try:
            text = json.dumps(self.record, ensure_ascii=False)
            text.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which no file and no database holds
            return json.dumps(self.record)
        return text


class Reading(ABC):
    """Everybody, record by record.

    `way` and `why` may change while it is read: when windows do not get on, an export job does. `total` is what Auth0
    counted before; None for a file. `read_at` is a time at which nothing that it shows had been read yet; of a job and
    of a file it is known from the first record on. `carried` names the root fields that records of this kind can have
    at all, None means all; of a file it grows while it is read. `complete` is true once the reading has ended as Auth0
    says that it ends, and then it is everybody but for a file, of which nobody knows; `shortfall` says in a sentence
    why it is not.
    """

    def __init__(self, way: Way, why: str, *, total: int | None, read_at: datetime) -> None:
        self.way = way
        self.why = why
        self.total = total
        self.read_at = read_at
        self.carried: frozenset[str] | None = None
        self.complete = False
        self.shortfall: str | None = None

    def begin(self, resume: JsonObject | None = None) -> JsonObject:
        """Do what comes before the first record, and return the position to go on from; it may take long.

        Whoever keeps it at once goes on with the same export job after a kill. `records` does it where nobody has.
        """
        return resume or {}

    @abstractmethod
    def records(self, resume: JsonObject | None = None) -> Iterator[RawRecord]:
        """Give every record, from the first or from after the one whose `resume` this is.

        A record may come twice: around the border of two windows, after a resumption, and when a second job's file has
        another order. Writing it again changes nothing; who counts drops whom it has seen.
        Raises Auth0Error, and FileUnreadable for a file that is none or that ends before its end.
        """

    @abstractmethod
    def close(self) -> None:
        """Delete what was spooled."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
