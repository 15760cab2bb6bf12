"""What ``winnow doctor`` finds."""

import asyncio
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.remote import open_remote
from services.assembly import Services, open_services
from services.diagnosing import diagnose_generations, diagnose_servers, diagnose_size
from services.diagnosis import Finding, State
from services.embedded.lock import find_owner
from services.errors import WinnowError
from services.settings import Settings
from services.version import VERSION

_PACKAGES = ("openvino", "qdrant-edge-py", "tantivy", "tokenizers", "torch")
_STYLES = {State.WELL: "green", State.WARNING: "yellow", State.UNREACHABLE: "bold red"}


@dataclass(slots=True)
class Report:
    """What was found.

    Attributes:
        owner: who has the data directory, "" where nobody has.
        models: the model of each stage, or why there is none.
        unreachable: what does not answer, with the reason; empty where all is well.
        findings: servers, disk and generations, a line each with what to do.
    """

    data_dir: str
    owner: str = ""
    collections: Mapping[str, int] = field(default_factory=dict)
    models: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    unreachable: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def add(self, findings: Sequence[Finding]) -> None:
        """Take lines in; what does not answer counts as unreachable."""
        self.findings += findings
        for each in findings:
            if each.state is State.UNREACHABLE:
                self.unreachable.setdefault(each.part, each.found)

    def take(self, told: Mapping[str, Any]) -> None:
        """Take over what a server found, which is asked for what only it can see."""
        self.data_dir = told["data_dir"]
        self.collections, self.models = told["collections"], told["models"]
        self.versions, self.unreachable = told["versions"], told["unreachable"]
        self.findings = [
            Finding(each["part"], State(each["state"]), each["found"], each["advice"])
            for each in told["findings"]
        ]

    def to_json(self) -> dict[str, object]:
        """The object that ``--json`` prints."""
        return {
            "data_dir": self.data_dir,
            "owner": self.owner,
            "collections": dict(self.collections),
            "models": self.models,
            "versions": self.versions,
            "unreachable": self.unreachable,
            "findings": [
                {
                    "part": each.part,
                    "state": str(each.state),
                    "found": each.found,
                    "advice": each.advice,
                }
                for each in self.findings
            ],
        }


async def examine(settings: Settings) -> Report:
    """Look at everything that a search needs; what fails is part of the report."""
    report = Report(str(settings.data_path), versions=_versions())
    part = "ledger" if settings.opensearch_url else "data directory"
    try:
        owner = find_owner(settings.data_path)
        url = settings.server or (owner.url if owner else "")
        if owner is not None:
            report.owner = f"process {owner.pid} on {owner.host}" + f" at {url}" * bool(url)
        if url:
            part = "server"
            async with open_remote(url, settings) as remote:
                report.take(await remote.doctor())
        else:
            report.add(await diagnose_servers(settings))
            async with open_services(settings) as services:
                await _examine_services(services, report)
    except WinnowError as error:
        report.unreachable[part] = error.detail
    return report


def show(report: Report, console: Console) -> None:
    """The report as a table."""
    table = Table(show_header=False, box=None)
    table.add_row("data directory", Text(report.data_dir))
    table.add_row("in use by", Text(report.owner or "nobody"))
    for name, documents in report.collections.items():
        table.add_row("collection", Text(f"{name}: {documents:,} documents"))
    for stage, found in report.models.items():
        table.add_row(stage.replace("_", "-"), Text(found))
    for package, found in report.versions.items():
        table.add_row(package, found)
    for finding in report.findings:
        line = Text(f"{finding.state}: ", style=_STYLES[finding.state])
        line.append(f"{finding.found} {finding.advice}".strip(), style="default")
        table.add_row(Text(finding.part), line)
    told = {finding.part for finding in report.findings}
    for part, reason in report.unreachable.items():
        if part in told:
            continue
        table.add_row(Text("unreachable", style="bold red"), Text(f"{part}: {reason}"))
    console.print(table)


async def examined(services: Services) -> Report:
    """What the process that has these services finds, for whoever asks it over HTTP."""
    settings = services.settings
    report = Report(str(settings.data_path), versions=_versions())
    report.add(await diagnose_servers(settings))
    try:
        await _examine_services(services, report)
    except WinnowError as error:
        report.unreachable["ledger"] = error.detail
    return report


async def _examine_services(services: Services, report: Report) -> None:
    report.models = _models(services)
    for part in (services.ledger, services.lexical, services.vectors, services.reranker):
        if part is None:
            continue
        try:
            await part.ping()
        except WinnowError as error:
            report.unreachable[type(part).__name__] = error.detail
    names = [each.name for each in await services.ledger.collections.list()]
    counts = await asyncio.gather(*(services.ledger.documents.count(name) for name in names))
    report.collections = dict(zip(names, counts, strict=True))
    for name in names:
        report.add(await diagnose_generations(services, name))
        report.add(await diagnose_size(services, name))


def _models(services: Services) -> dict[str, str]:
    cards = {
        "bi_encoder": services.embedder and services.embedder.encoder.card,
        "cross_encoder": services.reranker and services.reranker.card,
    }
    return {
        stage: f"{card.name} ({card.runtime}, {card.device}, {card.precision})"
        if card
        else f"none: {services.missing.get(stage, '')}"
        for stage, card in cards.items()
    }


def _versions() -> dict[str, str]:
    found = {"winnow": VERSION, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found
