"""How a process names itself to others."""

import os
import socket


def process_name() -> str:
    """Its host and number, "host:pid": unique among the processes that live."""
    return f"{socket.gethostname()}:{os.getpid()}"
