"""Docker's commands as far as the tests use them, for a machine without it.

A container is a process that answers as an OpenSearch node that has just started, and no
more. Run as ``docker`` from a folder on the path; the containers' ids are process ids.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import pairwise


def main(command: str, *arguments: str) -> None:
    """One command."""
    last = arguments[-1] if arguments else ""
    match command:
        case "image" | "logs":
            pass
        case "run":
            given = dict(pairwise(arguments))
            port = given["--publish"].split(":")[1]
            settings = (name.partition("=") for name in arguments)
            names = {name: value for name, _, value in settings}
            sys.stdout.write(f"{_started(port, names['cluster.name'])}\n")
        case "kill":
            os.kill(int(last), signal.SIGKILL)
        case "pause":
            os.kill(int(last), signal.SIGSTOP)
        case "unpause":
            os.kill(int(last), signal.SIGCONT)
        case "rm":
            with suppress(ProcessLookupError):
                os.kill(int(last), signal.SIGKILL)
        case _:
            sys.exit(f"unknown command: {command}")


def _started(port: str, cluster: str) -> int:
    process = subprocess.Popen(
        [sys.executable, __file__, "serve", port, cluster],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return process.pid


def _serve(port: str, cluster: str) -> None:
    class Node(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f'{{"cluster_name": "{cluster}"}}'.encode())

    HTTPServer(("127.0.0.1", int(port)), Node).serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        _serve(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
