"""A TCP proxy that stops, delays, cuts or refuses what passes between a client and a server."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Literal, Self

Mode = Literal["pass", "blackhole", "latency", "reset", "refuse", "cut answers"]
Connect = Callable[[], Coroutine[Any, Any, tuple[asyncio.StreamReader, asyncio.StreamWriter]]]

LATENCY_SECONDS = 0.3


class Proxy:
    """Forwards connections to those that `connect` opens, as `mode` says; `set` changes it for open ones too.

    - `blackhole` holds everything until the mode changes, as a network does that loses packets;
    - `reset` ends every connection, new ones at once;
    - `refuse` ends every connection and stops listening;
    - `cut answers` forwards requests, and ends the connection in place of an answer.

    With `only`, a mode concerns only connections whose first bytes contain these.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], bytes] = {}
        self._changed = asyncio.Event()
        self._only = b""
        self._seconds = LATENCY_SECONDS
        self.mode: Mode = "pass"
        self.port = 0

    async def set(self, mode: Mode, *, only: bytes = b"", seconds: float = LATENCY_SECONDS) -> None:
        """Change the mode. `seconds` is the latency of each answer."""
        self.mode, self._only, self._seconds = mode, only, seconds
        if mode in ("reset", "refuse"):
            if mode == "refuse" and self._server is not None:
                self._server.close()
                self._server = None
            await self.reset()
        if mode != "refuse":
            await self._listen()
        self._changed.set()
        self._changed = asyncio.Event()

    async def reset(self) -> None:
        """End every connection."""
        for task in list(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.set("refuse")

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
            self.port = self._server.sockets[0].getsockname()[1]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = b""
        try:
            if self.mode == "reset":
                return
            first = await reader.read(65536)
            await self._pause(b"")
            if first.startswith(b"\0\0\0\x08"):  # PostgreSQL's question whether TLS is spoken
                writer.write(b"N")
                first = await reader.read(65536)
            self._open[task] = first
            await self._pause(first)
            upstream_reader, upstream = await self._connect()
            try:
                upstream.write(first)
                async with asyncio.TaskGroup() as pumps:
                    pumps.create_task(self._pump(reader, upstream, first))
                    pumps.create_task(self._pump(upstream_reader, writer, first, is_answer=True))
            finally:
                upstream.transport.abort()
        except (OSError, asyncio.CancelledError, ExceptionGroup):
            pass  # the connection ends on both sides
        finally:
            del self._open[task]
            writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, first: bytes, *, is_answer: bool = False
    ) -> None:
        while data := await reader.read(65536):
            await self._pause(first)
            if self._only in first:
                if is_answer and self.mode == "latency":
                    await asyncio.sleep(self._seconds)
                if is_answer and self.mode == "cut answers":
                    break
            writer.write(data)
            await writer.drain()
        raise ConnectionResetError  # ends the other direction

    async def _pause(self, first: bytes) -> None:
        while self.mode == "blackhole" and self._only in first:
            await self._changed.wait()
