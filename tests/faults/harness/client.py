"""An HTTP client of one connection that sends a request once, and never again by itself, as client libraries do."""

import asyncio
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any, Self

import msgspec

DEADLINE_SECONDS = 5.0
"""The longest that a request may take, as the service promises."""

MARGIN_SECONDS = 2.0
"""What a busy machine may add."""


class Response(msgspec.Struct, frozen=True):
    """A response; `status` 0 means that the connection was lost before it arrived, -1 that it did not arrive in time."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    def json(self) -> Any:
        """The decoded body."""
        return msgspec.json.decode(self.body)


class Client:
    """Sends requests one after the other to `http://host:port`, over one connection while the server keeps it open."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str, **headers: str) -> Response:
        """Send a GET."""
        return await self.send("GET", path, headers)

    async def post(self, path: str, body: object, **headers: str) -> Response:
        """Send a POST with a JSON body."""
        return await self.send("POST", path, {"Content-Type": "application/json"} | headers, msgspec.json.encode(body))

    async def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes = b"",
        *,
        patience: float = DEADLINE_SECONDS + MARGIN_SECONDS,
    ) -> Response:
        """Send a request. Underscores in the names of header fields become hyphens."""
        started = time.monotonic()
        address = urllib.parse.urlsplit(self.url)
        fields = {"Host": address.netloc} | {k.replace("_", "-"): v for k, v in headers.items()}
        if body or method != "GET":
            fields["Content-Length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        status, received, content = 0, dict[str, str](), b""
        try:
            async with asyncio.timeout(patience):
                if self._streams is None or self._streams[0].at_eof():
                    self.close()
                    self._streams = await asyncio.open_connection(address.hostname, address.port)
                reader, writer = self._streams
                writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
                status, received, content = await _read(reader)
        except TimeoutError:
            status = -1
            self.close()
        except (OSError, asyncio.IncompleteReadError):
            status = 0
            self.close()
        if received.get("connection", "").lower() == "close":
            self.close()
        return Response(status, received, content, time.monotonic() - started)

    def move(self, url: str) -> None:
        """Send the next requests to this address."""
        if url != self.url:
            self.close()
            self.url = url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


async def _read(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = b""
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readexactly(2)
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return int(first.split(" ", 2)[1]), headers, body
