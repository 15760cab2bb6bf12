"""Several processes and one data directory: servers, second commands, and sudden ends."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.conftest import TIMEOUT_S, Winnow


@contextmanager
def serving(winnow: Winnow, *arguments: str, **environment: str) -> Iterator[str]:
    """A server's address; it must end well when told to."""
    process = winnow.start("serve", "--port", "0", *arguments, **environment)
    try:
        assert process.stderr is not None
        seen = ""
        while not (found := re.search(r"Winnow serves (\S+)", seen)):
            line = process.stderr.readline().decode()
            assert line, f"the server ended: {seen}"
            seen += line
        yield found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0
    assert b"Traceback" not in err, err.decode()


def test_commands_go_through_the_server_that_owns_the_data(winnow: Winnow) -> None:
    """Nothing needs to know that it runs: every command works, and the server sees it all."""
    (winnow.folder / "notes").mkdir()
    (winnow.folder / "notes" / "a b.md").write_text("# Zebra\n\nA zebra has stripes.\n")
    record = {"id": "../x ü", "text": "An okapi.", "day": "2026-05-01"}
    (winnow.folder / "notes" / "more.jsonl").write_text(json.dumps(record))
    with serving(winnow) as url:
        done = winnow("ingest", "notes", "--json")
        assert done.code == 0, done.err
        assert done.json()["stored"] == 2
        answer = winnow("search", "zebra", "--json").json()
        assert answer["results"][0]["passages"][0]["headings"] == ["Zebra"]
        over_http = httpx.post(f"{url}/v1/collections/default/search", json={"query": "zebra"})
        assert over_http.json()["results"] == answer["results"]
        assert winnow("documents", "get", "../x ü", "--json").json()["text"] == "An okapi."
        assert [each["id"] for each in winnow("documents", "list", "--json").json()] == [
            "../x ü",
            "a b.md",
        ]
        assert winnow("documents", "get", "none").code == 1
        page = winnow("search", "--size", "1", "--json").json()
        more = winnow("search", "--next", page["next"], "--json").json()
        assert [each["rank"] for each in more["results"]] == [2]
        assert winnow("documents", "delete", "../x ü", "gone").code == 1
        assert winnow("ingest", "notes/a b.md", "--prune").code == 0
        assert winnow("collections", "create", "default").code == 1
        assert winnow("doctor", "--json").json()["owner"].endswith(url)
        second = winnow("serve", "--port", "0")
        assert second.code == 4
        assert url in second.err
    # The same documents, read by the stores themselves, are the ones that came by HTTP.
    again = winnow("ingest", "notes/a b.md", "--json").json()
    assert again["read"] == 1
    assert winnow("search", "stripes", "--json").json()["results"]


def test_dates_stay_dates_on_their_way_through_a_server(winnow: Winnow) -> None:
    """What is ingested through a server is what would be ingested without one."""
    (winnow.folder / "a.md").write_text("---\ndate: 2026-05-01\n---\n# Head\n\nText.\n")
    with serving(winnow):
        assert winnow("ingest", "a.md", "--json").json()["stored"] == 1
        (default,) = winnow("collections", "list", "--json").json()
    assert default["schema"]["date"] == "date"
    assert winnow("ingest", "a.md", "--json").json()["unchanged"] == 1


def test_keys_open_a_server_to_commands_that_hold_them(winnow: Winnow) -> None:
    """The administration key of the settings goes along; the search key only searches."""
    keys = {"WINNOW_SEARCH_KEY": "find", "WINNOW_ADMIN_KEY": "manage"}
    (winnow.folder / "a.txt").write_text("A lynx.")
    with serving(winnow, **keys) as url:
        assert winnow("ingest", "a.txt", **keys).code == 0
        stranger = winnow("search", "lynx")
        assert stranger.code == 2
        assert "key" in stranger.err
        searcher = {"WINNOW_SEARCH_KEY": "find", "WINNOW_SERVER": url}
        assert winnow("search", "lynx", "--json", **searcher).json()["results"]
        assert winnow("ingest", "a.txt", **searcher).code == 2


def test_strangers_are_not_served_by_accident(winnow: Winnow) -> None:
    """Another host than this machine needs keys or --open."""
    done = winnow("serve", "--host", "0.0.0.0", "--port", "0")
    assert done.code == 2
    assert "--open" in done.err


def test_a_taken_port_is_said_so(winnow: Winnow) -> None:
    """Exit code 1 and what to do, for serve and demo, before anything slow begins."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        for command in ("serve", "demo"):
            done = winnow(command, "--port", port)
            assert done.code == 1
            assert f"port {port}" in done.err


def test_a_second_command_waits_for_the_first_and_then_names_it(winnow: Winnow) -> None:
    """A process that holds the data directory and serves nothing is waited for."""
    script = (
        "import asyncio, sys\n"
        "from services.embedded.lock import DataDirectoryLock\n"
        "from pathlib import Path\n"
        "async def hold():\n"
        "    async with DataDirectoryLock(Path(sys.argv[1])):\n"
        "        print('held', flush=True)\n"
        "        await asyncio.to_thread(sys.stdin.read)\n"
        "asyncio.run(hold())\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script, str(winnow.data_dir)],
        env=winnow.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    started_s = time.monotonic()
    done = winnow("search", "x")
    assert done.code == 4
    assert f"process {holder.pid}" in done.err
    assert time.monotonic() - started_s >= 9
    holder.communicate(timeout=TIMEOUT_S)
    assert winnow("collections", "list").code == 0


def test_an_ingest_that_is_killed_is_finished_by_the_next(winnow: Winnow) -> None:
    """SIGKILL at any moment: the same command goes on, and nothing is missing or double."""
    lines = [json.dumps({"id": f"n{number}", "text": f"Note {number}."}) for number in range(3000)]
    (winnow.folder / "notes.jsonl").write_text("\n".join(lines))
    process = winnow.start("ingest", "notes.jsonl")
    ledger = winnow.data_dir / "ledger.sqlite"
    deadline_s = time.monotonic() + TIMEOUT_S
    while not ledger.exists() and process.poll() is None and time.monotonic() < deadline_s:
        time.sleep(0.05)
    time.sleep(0.3)
    process.kill()
    process.communicate(timeout=TIMEOUT_S)
    done = winnow("ingest", "notes.jsonl", "--json")
    assert done.code == 0, done.err
    outcome = done.json()
    assert outcome["stored"] + outcome["unchanged"] == 3000
    answer = winnow("search", "note", "--mode", "lexical", "--json").json()
    assert answer["total"] == {"value": 3000, "relation": "eq"}


def test_ctrl_c_ends_an_ingest_with_a_sentence(winnow: Winnow) -> None:
    """Exit code 130, no traceback, and what was stored stays."""
    lines = [json.dumps({"id": f"n{number}", "text": "Note. " * 200}) for number in range(5000)]
    (winnow.folder / "notes.jsonl").write_text("\n".join(lines))
    process = winnow.start("ingest", "notes.jsonl")
    deadline_s = time.monotonic() + TIMEOUT_S
    while not (winnow.data_dir / "ledger.sqlite").exists() and time.monotonic() < deadline_s:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130, err.decode()
    assert "Stopped." in err.decode()
    assert "Traceback" not in err.decode()
