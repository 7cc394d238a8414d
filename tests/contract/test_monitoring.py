"""The dashboard, the alert rules and their page name metrics that there are, and all of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.core import CounterMetricFamily
from prometheus_client.parser import text_string_to_metric_families

from frontdesk.web.metrics import Metrics
from frontdesk.web.queue_numbers import TOLD

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "monitor.md").read_text()
DASHBOARD: dict[str, Any] = json.loads((ROOT / "monitoring" / "grafana-dashboard.json").read_text())
ALERTS: dict[str, Any] = yaml.safe_load((ROOT / "monitoring" / "alerts.yml").read_text())
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
NAME = re.compile(r"\bfrontdesk_[a-z0-9_]+")
SERIES = re.compile(r"_(bucket|count|sum|created)$")


def families() -> set[str]:
    """Return the names of all metrics: those of a process, those that workers tell, those written in the code."""
    own = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(Metrics().exposition().decode())
    }
    told = {
        f"frontdesk_{name}" + ("_total" if kind is CounterMetricFamily else "")
        for name, (kind, _, _) in TOLD.items()
    }
    web = ROOT / "backend" / "frontdesk" / "web"
    gauges = {
        name
        for module in ("queue_numbers.py", "drift.py")
        for name in re.findall(r'"(frontdesk_[a-z_]+)"', (web / module).read_text())
    }
    return own | told | gauges


def expressions() -> Iterator[str]:
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from (rule["expr"] for rule in RULES)
    yield from (each["query"]["query"] for each in DASHBOARD["templating"]["list"] if each["type"] == "query")


def named(text: str) -> set[str]:
    return {SERIES.sub("", name) for name in NAME.findall(text)}


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_metric_in_an_expression_is_there(expression: str) -> None:
    assert named(expression)
    assert named(expression) <= families()
    for opening, closing in ("()", "{}", "[]"):
        assert expression.count(opening) == expression.count(closing)


def test_the_page_names_every_metric_and_no_other() -> None:
    assert named(" ".join(re.findall(r"^\| `([^`]+)`", PAGE, re.MULTILINE))) == families()


def test_an_alert_says_how_bad_it_is_since_when_and_what_to_do() -> None:
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r"Frontdesk[A-Za-z]+", rule["alert"])
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert re.fullmatch(r"\d+m", rule["for"])
        assert set(rule["annotations"]) == {"summary", "description"}
        assert all(text.endswith(".") for text in rule["annotations"].values()), rule["alert"]


def test_the_dashboard_asks_for_its_data_source_and_its_panels_lie_beside_each_other() -> None:
    variables = {each["name"]: each["type"] for each in DASHBOARD["templating"]["list"]}
    places = [tuple(panel["gridPos"].values()) for panel in DASHBOARD["panels"]]

    assert variables == {"datasource": "datasource", "tenant": "query"}
    assert len(set(places)) == len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
    for panel in DASHBOARD["panels"]:
        assert panel["datasource"]["uid"] == "${datasource}"
