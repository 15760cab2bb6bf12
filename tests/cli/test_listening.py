"""The socket that serves."""

import asyncio
import socket

from cli.serve import listening_socket


async def test_answers_are_not_kept_back_by_nagles_delay() -> None:
    """Connections that asyncio accepts on it send at once, however small what is left."""
    delays: list[int] = []

    async def accepted(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        delays.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listening_socket("127.0.0.1", 0) as listener:
        server = await asyncio.start_server(accepted, sock=listener)
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        await reader.read()
        writer.close()
        server.close()
    assert delays == [1]
