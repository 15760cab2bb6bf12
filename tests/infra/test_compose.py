"""The compose files: what they pin, publish, demand and hand on."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.settings import Settings
from services.version import VERSION
from tests.infra.compose import (
    BASE,
    FILES,
    OVERLAYS,
    REPOSITORY,
    environment,
    interpolate,
    services,
    variables,
)

KEYS = {"WINNOW_SEARCH_KEY": "search-0123456789", "WINNOW_ADMIN_KEY": "admin-0123456789"}
WINNOW = ("api", "worker", "ingest", "cli")


def every_service() -> list[tuple[str, dict[str, Any]]]:
    """(file and name, service) of all files."""
    return [
        (f"{file.name}:{name}", service)
        for file in FILES
        for name, service in services(file).items()
    ]


def test_the_stack_is_whole() -> None:
    """Each part that the settings can name a server for stands in the base file."""
    servers = {"opensearch", "qdrant", "broker", "cache"}
    assert {*WINNOW, *servers} == set(services())
    assert {file.name for file in OVERLAYS} == {"gpu.yml", "monitoring.yml"}


@pytest.mark.parametrize(("name", "service"), every_service())
def test_images_are_pinned(name: str, service: dict[str, Any]) -> None:
    """An image has a whole version, ours the version of the code."""
    image = service.get("image")
    if image is None:
        # An overlay's additions to a service of the base file.
        assert name == "monitoring.yml:api"
        return
    repository, _, tag = image.partition(":")
    assert re.match(r"v?\d+\.\d+\.\d+", tag), image
    if repository.startswith("winnow"):
        assert tag == VERSION
        assert service["build"]["target"]


def test_only_the_api_publishes_a_port() -> None:
    """The overlays add Grafana; all of it is on this machine alone unless someone says more."""
    published = {
        name: interpolate(port, {})
        for name, service in every_service()
        for port in service.get("ports", ())
    }
    assert published == {
        "docker-compose.yml:api": "127.0.0.1:8000:8000",
        "monitoring.yml:grafana": "127.0.0.1:3000:3000",
    }


def test_stores_stand_in_networks_that_lead_nowhere() -> None:
    """Engines without users are reached by those alone that need them."""
    networks = yaml.safe_load(BASE.read_text())["networks"]
    for name in ("opensearch", "qdrant", "broker", "cache"):
        assert all(networks[network]["internal"] for network in services()[name]["networks"]), name
    assert "stores" not in services()["worker"]["networks"]
    assert services()["cli"]["networks"] == ["front"]


def test_keys_and_passwords_are_demanded() -> None:
    """Compose stops with a sentence where one is not set, and none has a default."""
    demanded = {
        (file.name, name): sentence
        for file in FILES
        for name, kind, sentence in variables(file)
        if kind == ":?"
    }
    assert set(demanded) == {
        ("docker-compose.yml", "WINNOW_SEARCH_KEY"),
        ("docker-compose.yml", "WINNOW_ADMIN_KEY"),
        ("monitoring.yml", "GRAFANA_ADMIN_PASSWORD"),
    }
    assert all(sentence.endswith(".") for sentence in demanded.values())
    with pytest.raises(KeyError):
        environment("api", {})


def test_every_variable_of_winnow_is_a_setting() -> None:
    """A name that no setting has would be ignored without a word."""
    known = {f"WINNOW_{name}".upper() for name in Settings.model_fields}
    paths = (*FILES, REPOSITORY / ".env.example", REPOSITORY / "infra/docker/Dockerfile")
    for path in paths:
        assert set(re.findall(r"\bWINNOW_\w+", path.read_text())) <= known, path


@pytest.mark.parametrize("name", WINNOW)
def test_settings_accept_what_a_service_is_given(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The values of the file, with the defaults where nothing is set, pass every check."""
    monkeypatch.chdir(tmp_path)
    for variable, value in environment(name, KEYS).items():
        monkeypatch.setenv(variable, value)
    settings = Settings()
    if name == "api":
        assert settings.opensearch_url
        assert settings.qdrant_url
        assert settings.cache_url != settings.broker_url
    if name == "ingest":
        assert settings.opensearch_url == environment("api", KEYS)["WINNOW_OPENSEARCH_URL"]
        assert settings.qdrant_url == environment("api", KEYS)["WINNOW_QDRANT_URL"]
    if name in ("worker", "ingest"):
        assert settings.broker_url == environment("api", KEYS)["WINNOW_BROKER_URL"]
        assert not settings.search_key.get_secret_value()
        assert not settings.admin_key.get_secret_value()


def test_what_may_be_set_is_listed() -> None:
    """.env.example names every variable of the files, with the same default."""
    listed = (REPOSITORY / ".env.example").read_text()
    for file in FILES:
        for name, kind, default in variables(file):
            line = f"# {name}={default}\n" if kind == ":-" else f"\n{name}=\n"
            assert line in listed, name
        for name, service in services(file).items():
            for key, value in service.get("environment", {}).items():
                assert value is not None or key in listed, f"{name}: {key}"


@pytest.mark.parametrize(
    "name", ["api", "worker", "ingest", "opensearch", "qdrant", "broker", "cache"]
)
def test_services_are_bounded_and_come_back(name: str) -> None:
    """Each has a memory limit, a restart policy, a health check and bounded logs."""
    service = services()[name]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert service["logging"]["options"]["max-size"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_the_overlays_services_are_bounded_too(name: str) -> None:
    """Whoever watches the others has a limit, a health check and a restart policy as they do."""
    (overlay,) = (file for file in OVERLAYS if file.name == "monitoring.yml")
    service = services(overlay)[name]
    assert service["deploy"]["resources"]["limits"]["memory"]
    assert service["restart"] == "unless-stopped"
    assert service["healthcheck"]["test"]
    assert service["logging"]["options"]["max-size"]
    assert "no-new-privileges:true" in service["security_opt"]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_what_is_mounted_exists(file: Path) -> None:
    """Named volumes are declared, and files of the repository are there."""
    declared = set(yaml.safe_load(file.read_text()).get("volumes", {}))
    used = set()
    for service in services(file).values():
        for volume in service.get("volumes", ()):
            source = interpolate(volume, {}).split(":")[0]
            if source.startswith("./infra"):
                assert (REPOSITORY / source).exists(), source
            elif not source.startswith("."):
                used.add(source)
    assert used == declared
