"""Who runs a command, as the audit log names them."""

import getpass
import socket


def local_user() -> str:
    """The user of the operating system, at this machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"
