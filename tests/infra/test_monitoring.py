"""Prometheus and Grafana: what they ask for is what the API tells."""

import json
import re

import yaml

from services.metrics import REGISTRY
from tests.infra.compose import REPOSITORY, services

DASHBOARD = REPOSITORY / "infra/grafana/dashboards/winnow.json"
PROVISIONING = REPOSITORY / "infra/grafana/provisioning"
MONITORING = REPOSITORY / "infra/compose/monitoring.yml"


def exposed() -> dict[str, set[str]]:
    """The labels of each sample that /metrics may have, by the sample's name."""
    found = {}
    for collector in REGISTRY._collector_to_names:
        labels = set(collector._labelnames)  # type: ignore[attr-defined]
        for family in collector.describe():
            endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}
            for ending in endings.get(family.type, ("",)):
                found[family.name + ending] = labels | ({"le"} if ending == "_bucket" else set())
    return found


def test_every_metric_of_the_dashboard_exists() -> None:
    """Names and labels are those of services/metrics.py, and every counter is shown."""
    known = exposed()
    asked = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            expression = target["expr"]
            names = set(re.findall(r"\bwinnow_\w+", expression))
            asked |= names
            assert names <= set(known), expression
            labels = {
                label.strip()
                for group in re.findall(r"by \(([^)]*)\)", expression)
                for label in group.split(",")
            } | set(re.findall(r"(\w+)=\"", expression))
            for name in names:
                assert labels <= known[name], expression
            assert expression.count("(") == expression.count(")"), expression
    shown = {re.sub("_(total|bucket|sum|count)$", "", name) for name in asked}
    assert shown == {re.sub("_(total|bucket|sum|count)$", "", name) for name in known}


def test_the_dashboard_finds_its_source_and_grafana_the_dashboard() -> None:
    """One identifier and one folder, named alike in each file."""
    source = yaml.safe_load((PROVISIONING / "datasources/prometheus.yml").read_text())
    provider = yaml.safe_load((PROVISIONING / "dashboards/winnow.yml").read_text())
    folder = provider["providers"][0]["options"]["path"]
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        assert panel["datasource"]["uid"] == source["datasources"][0]["uid"]
    grafana = services(MONITORING)["grafana"]
    assert f"./infra/grafana/dashboards:{folder}:ro" in grafana["volumes"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{folder}/{DASHBOARD.name}"
    assert source["datasources"][0]["url"] == "http://prometheus:9090"


def test_prometheus_scrapes_with_the_search_key() -> None:
    """The key arrives as the secret that the scrape reads, from the variable of the API."""
    overlay = yaml.safe_load(MONITORING.read_text())
    scrape = yaml.safe_load((REPOSITORY / "infra/prometheus/prometheus.yml").read_text())
    job = scrape["scrape_configs"][0]
    (secret,) = overlay["services"]["prometheus"]["secrets"]
    assert job["authorization"]["credentials_file"] == f"/run/secrets/{secret}"
    assert overlay["secrets"][secret] == {"environment": "WINNOW_SEARCH_KEY"}
    assert job["static_configs"] == [{"targets": ["api:8000"]}]
