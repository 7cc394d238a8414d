"""All state of the tenant in one object, so that a reset forgets everything at once."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from localauth0.actions.library import ActionLibrary
from localauth0.activity import Activity
from localauth0.delivery_faults import FaultDice
from localauth0.device_flow import WaitingDevices
from localauth0.event_ledger import EventLedger
from localauth0.event_log import EventLog
from localauth0.event_sender import EventSender
from localauth0.generator import GeneratedPeople
from localauth0.happenings import Doer, Happening, Kind
from localauth0.jobs import JobBoard
from localauth0.journal import Journal
from localauth0.logbook import Logbook
from localauth0.management.rate_limit import RateLimits
from localauth0.management.scopes import MANAGEMENT_SCOPES
from localauth0.memberships import Memberships
from localauth0.records import (
    ActionExecution,
    AuthorizationCode,
    IssuedAccessToken,
    Mail,
    PasswordTicket,
    RefreshToken,
    Session,
    Transaction,
)
from localauth0.search import UserSearch
from localauth0.tenant import Generate, TenantConfig, UserEntry
from localauth0.tenant_file import connection_of_user_id
from localauth0.user_store import UserRecord, UserStore

Clock = Callable[[], datetime]
Kept = TypeVar("Kept")

_MAX_KEPT = 10_000  # per kind; the oldest goes, so a long-running tenant does not grow without end
_MAX_RECORDED = 1_000
_NOT_PROFILE = frozenset({"password", "roles"})
_NOBODY = Doer()


def utc_now() -> datetime:
    return datetime.now(UTC)


def iso_ms(moment: datetime) -> str:
    """The moment as Auth0 writes it: UTC, milliseconds, `Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Expiring(Generic[Kept]):
    """Secret handle to record, each with its end; bounded."""

    def __init__(self, clock: Clock, life: timedelta) -> None:
        self._clock, self._life = clock, life
        self._entries: OrderedDict[str, tuple[datetime, Kept]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, record: Kept, *, prefix: str = "") -> str:
        """Keep the record and return the new unguessable handle to it."""
        handle = prefix + secrets.token_urlsafe(32)
        self.put(handle, record)
        return handle

    def put(self, handle: str, record: Kept) -> None:
        with self._lock:
            self._entries[handle] = (self._clock() + self._life, record)
            while len(self._entries) > _MAX_KEPT:
                self._entries.popitem(last=False)

    def get(self, handle: str | None) -> Kept | None:
        with self._lock:
            return self._living(self._entries.get(handle or ""))

    def take(self, handle: str | None) -> Kept | None:
        """The record, which is gone afterwards: of two callers one gets it."""
        with self._lock:
            return self._living(self._entries.pop(handle or "", None))

    def _living(self, entry: tuple[datetime, Kept] | None) -> Kept | None:
        return entry[1] if entry is not None and entry[0] > self._clock() else None


@dataclass(frozen=True)
class Lifetimes:
    """How long things live; Auth0's defaults where they are known."""

    transaction: timedelta = timedelta(hours=1)
    code: timedelta = timedelta(minutes=5)  # Auth0: "short"
    session: timedelta = timedelta(days=3)
    refresh_token: timedelta = timedelta(days=30)
    userinfo_token: timedelta = timedelta(seconds=86_400)
    id_token: timedelta = timedelta(seconds=36_000)
    password_ticket: timedelta = timedelta(days=5)


class Store:
    """The tenant's state. Hold `lock` to read or change `users`, and from reading `config` to `change`."""

    def __init__(
        self, config: TenantConfig, clock: Clock = utc_now, lifetimes: Lifetimes | None = None
    ) -> None:
        self._file, self.config = config, config
        self.clock, self.lifetimes = clock, lifetimes or Lifetimes()
        self.lock = threading.RLock()
        self.event_sender = EventSender(self)
        self.event_log = EventLog(config.event_delivery.keep_events)
        self.listeners: list[Callable[[Happening], None]] = [Journal(self).hear, self.event_sender.hear]
        # Called after each change of `config` and each reset, by whoever makes it: they must be quick.
        self.watchers: list[Callable[[], None]] = []
        self.jobs = JobBoard(config.export_jobs, clock)
        self.reset()

    def happened(
        self,
        kind: Kind,
        profile: Mapping[str, Any] | None,
        *,
        by: Doer = _NOBODY,
        connection: str | None = None,
        **detail: Any,
    ) -> None:
        """Tell all listeners what happened, now, to the user with that profile or to what `detail` names."""
        happening = Happening(kind, self.clock(), profile, by, connection, detail)
        for listener in self.listeners:
            listener(happening)

    def place_at(self, management_audience: str) -> None:
        """Give the tenant its Management API, whose audience follows from the tenant's address."""
        with self.lock:
            self._file = self._file.at(management_audience, MANAGEMENT_SCOPES)
            self.config = self.config.at(management_audience, MANAGEMENT_SCOPES)

    def change(self, **members: Any) -> None:
        """Replace members of `config`, for everybody at once; who reads `config` sees all of a change or nothing."""
        with self.lock:
            self.config = self.config.model_copy(update=members)
            self._tell_watchers()

    def put(self, member: str, record: BaseModel, *, replacing: BaseModel | None = None) -> None:
        """Put a record in the place of another one, or at the end of `config`'s list `member`."""
        with self.lock:
            records = getattr(self.config, member)
            if replacing is None:
                self.change(**{member: [*records, record]})
            else:
                self.change(**{member: [record if one is replacing else one for one in records]})

    def drop(self, member: str, is_meant: Callable[[Any], bool]) -> None:
        """Take the records that are meant out of `config`'s list `member`, if there are any."""
        with self.lock:
            self.change(**{member: [one for one in getattr(self.config, member) if not is_meant(one)]})

    def reset(self) -> None:
        """Back to the tenant file: no session, no token, users, applications and APIs as they were."""
        with self.lock:
            self.config = self._file
            self.delivery_faults = FaultDice(self.config.deliveries)
            self.event_log.close()
            self.event_log = EventLog(self.config.event_delivery.keep_events)
            self.event_ledger = EventLedger(self.config.event_delivery, self.clock)
            self.event_sender.forget_all()
            self.limits = RateLimits(self.config.rate_limit, self.clock)
            lives = self.lifetimes
            self.users = UserStore(
                [self._user_record(entry) for entry in self.config.users],
                GeneratedPeople(self.config.generate or Generate()),
                clock=self.clock,
                lag=timedelta(seconds=self.config.search_lag),
                lock=self.lock,
            )
            self.search = UserSearch(self.users)
            self.user_blocks: dict[str, list[dict[str, str]]] = {}
            self.memberships = Memberships(
                self.config.roles,
                self.config.organizations,
                self.users.role_grants,
                since=iso_ms(self.clock()),
                lock=self.lock,
            )
            self.jobs.forget_all()
            self.log = Logbook(self.clock, timedelta(days=self.config.plan.log_retention_days))
            self.activity = Activity(self.users.profiles, self.clock)
            self.transactions = Expiring[Transaction](self.clock, lives.transaction)
            self.codes = Expiring[AuthorizationCode](self.clock, lives.code)
            self.sessions = Expiring[Session](self.clock, lives.session)
            self.refresh_tokens = Expiring[RefreshToken](self.clock, lives.refresh_token)
            self.access_tokens = Expiring[IssuedAccessToken](self.clock, lives.userinfo_token)
            self.caches: dict[str, dict[str, dict[str, Any]]] = {}
            self.actions = ActionLibrary(self.config, self.clock)
            self.devices = WaitingDevices(self.config.device_flow, self.clock)
            self.password_tickets = Expiring[PasswordTicket](self.clock, lives.password_ticket)
            self.mails: deque[Mail] = deque(maxlen=_MAX_RECORDED)
            self.executions: deque[ActionExecution] = deque(maxlen=_MAX_RECORDED)
            self._tell_watchers()

    def _tell_watchers(self) -> None:
        for watcher in tuple(self.watchers):
            watcher()

    def _user_record(self, entry: UserEntry) -> UserRecord:
        now = iso_ms(self.clock())
        given = {k: deepcopy(v) for k, v in entry.model_dump(exclude_unset=True).items() if v is not None}
        profile = {"created_at": now, "updated_at": now, "identities": [self._own_identity(entry)], **given}
        for metadata in ("app_metadata", "user_metadata"):
            if not profile.get(metadata, True):
                del profile[metadata]  # an empty metadata object is absent in Auth0
        return UserRecord(
            {key: value for key, value in profile.items() if key not in _NOT_PROFILE},
            entry.password,
            list(entry.roles),
        )

    def _own_identity(self, entry: UserEntry) -> dict[str, Any]:
        provider, _, own_id = entry.user_id.partition("|")
        name = connection_of_user_id(self.config, entry.user_id)
        connection = self.config.connection(name) if name is not None else None
        social = (
            connection is not None
            and connection.name == connection.strategy
            and provider not in ("email", "sms")
        )
        return {"connection": name, "provider": provider, "user_id": own_id, "isSocial": social}
