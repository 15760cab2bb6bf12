"""Memory of a serving process, as its users would see it."""

import subprocess

from evaluation.benchmarks.figures import Figure
from evaluation.benchmarks.processes import api
from evaluation.benchmarks.texts import queries
from services.settings import Settings

_MOST_MIB = 1_000
_SEARCHES = 30


def serving_memory(settings: Settings, chunks: int) -> list[Figure]:
    """Resident memory of ``winnow serve`` after searches that used both models."""
    environment = {
        "WINNOW_DATA_DIR": str(settings.data_path),
        "WINNOW_CROSS_ENCODER": settings.cross_encoder,
        "WINNOW_BI_ENCODER": settings.bi_encoder,
    }
    with api(environment) as (client, process_id):
        for query in queries(_SEARCHES, seed=99):
            client.post("/v1/collections/bench/search", json={"query": query}).raise_for_status()
        resident_mib = _resident_kib(process_id) / 1_024
    return [
        Figure(
            f"memory of the serving process, both models, {chunks:,} chunks",
            resident_mib,
            "MiB",
            at_most=_MOST_MIB,
        )
    ]


def _resident_kib(pid: int) -> int:
    """Resident set size, by ps, which Linux and macOS both have."""
    shown = subprocess.run(  # noqa: S603  # a number of ours
        ["ps", "-o", "rss=", "-p", str(pid)],  # noqa: S607  # wherever ps lies
        check=True,
        capture_output=True,
        text=True,
    )
    return int(shown.stdout)
