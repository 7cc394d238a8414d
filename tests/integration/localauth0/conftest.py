"""Running tenants: one of acme that the tests of a worker share and reset, and new ones for tests with Actions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from auth0.management.client import Auth0
from tests.integration.localauth0.acme import Browser, a_tenant
from tests.integration.localauth0.event_calls import an_eventful_tenant
from tests.integration.localauth0.managed import Operator, an_operated_tenant, sdk
from tests.integration.localauth0.receiver import Receiver

from localauth0 import LocalAuth0

StartTenant = Callable[..., LocalAuth0]


@pytest.fixture(scope="session")
def keys_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Signing keys that most tenants of a run share, since making keys is the slow part of a start."""
    return tmp_path_factory.mktemp("localauth0")


@pytest.fixture(scope="session")
def running_acme(keys_dir: Path) -> Iterator[LocalAuth0]:
    with LocalAuth0(tenant=a_tenant(), data_dir=keys_dir) as tenant:
        yield tenant


@pytest.fixture
def acme(running_acme: LocalAuth0) -> LocalAuth0:
    """The tenant acme, without Actions, as its file describes it."""
    running_acme.reset()
    return running_acme


@pytest.fixture(scope="session")
def running_operated(keys_dir: Path) -> Iterator[LocalAuth0]:
    with LocalAuth0(tenant=an_operated_tenant(), data_dir=keys_dir) as tenant:
        yield tenant


@pytest.fixture
def operated(running_operated: LocalAuth0) -> LocalAuth0:
    """acme with a machine that may call all of the Management API, as its file describes it."""
    running_operated.reset()
    return running_operated


@pytest.fixture
def operator(operated: LocalAuth0) -> Operator:
    return Operator(operated)


@pytest.fixture
def auth0(operated: LocalAuth0) -> Iterator[Auth0]:
    """The official SDK, as the operator."""
    with sdk(operated) as client:
        yield client


@pytest.fixture(scope="session")
def running_eventful(keys_dir: Path) -> Iterator[LocalAuth0]:
    numbers = {"disable_after_in_row": 3, "disable_after_failed": 5, "keep_alive_s": 0.1, "keep_events": 5}
    with LocalAuth0(tenant=an_eventful_tenant(**numbers), data_dir=keys_dir) as tenant:
        yield tenant


@pytest.fixture
def eventful(running_eventful: LocalAuth0) -> LocalAuth0:
    """acme with event streams that give up quickly, and few events to go back to."""
    running_eventful.reset()
    return running_eventful


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Whoever takes what a tenant sends."""
    with Receiver() as server:
        yield server


@pytest.fixture
def browser(acme: LocalAuth0) -> Iterator[Browser]:
    with Browser(acme.url) as opened:
        yield opened


@pytest.fixture
def start_tenant(keys_dir: Path) -> Iterator[StartTenant]:
    """Starts a tenant of the test's own from a tenant document."""
    started: list[LocalAuth0] = []

    def start(tenant: dict[str, Any], **options: Any) -> LocalAuth0:
        one = LocalAuth0(**{"tenant": tenant, "data_dir": keys_dir, **options})
        started.append(one)
        return one.start()

    yield start
    for one in started:
        one.stop()
