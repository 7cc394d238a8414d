"""What the fault tests can be asked for."""

from __future__ import annotations

import pytest

TIMES = 5  # of the suite; `make faults` asks for more


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options; a run that does not load them has the suite's values."""
    group = parser.getgroup("fault tests")
    group.addoption("--faults", type=int, default=TIMES, help="how often each fault is made")
    group.addoption(
        "--fault-seed", type=int, default=None, help="seed of load and order; printed by every run"
    )
