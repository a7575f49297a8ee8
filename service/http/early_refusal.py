"""Refusing requests before they are parsed, while too many requests of players are in progress.

Parsing a request and making its response takes a third of answering it. A service with three times as many requests as
it can answer would have no time left; so the responses that refuse are made beforehand, one for each API.
"""

import asyncio
import email.utils
import time
from collections import deque
from collections.abc import Callable, Sequence

from aiohttp import hdrs, web

from service.errors import Overloaded
from service.http.api import SAFE_METHODS, SERVER, Api
from service.http.limits.admission import OVERLOADED, PLAYERS, Admission

_RENDER_SECONDS = 0.25  # for which a response is used; then it is made again, with other times
_PAUSE_SECONDS = 0.2  # much less than Retry-After says, and than a client waits
_RESUME_SECONDS = 0.02  # between two looks at which connections to read again
_HEAD_END = b"\r\n\r\n"
_NOT_PLAIN = (b"\r\ntransfer-encoding:", b"\r\nexpect:", b"\r\nupgrade:", b"\r\nconnection: close", b"\r\norigin:")
_LENGTH = b"\r\ncontent-length: "

MakeRequest = Callable[[], web.BaseRequest]


class EarlyRefusals:
    """The responses that refuse requests of players, by the API of their path."""

    def __init__(self, apis: Sequence[Api], admission: Admission) -> None:
        self._apis = apis
        self._admission = admission
        self._is_stopped = False
        self._is_resuming = False
        self._paused: deque[tuple[float, asyncio.Transport]] = deque()
        self._rendered: dict[str, tuple[float, bytes]] = {}

    def stop(self) -> None:
        """Refuse nothing any more: each request that comes is the last one of its connection."""
        self._is_stopped = True

    def pause(self, transport: asyncio.Transport) -> None:
        """Read nothing from a connection for a moment after its request was refused.

        However many requests come, refusing them then leaves time for those that were admitted.
        """
        transport.pause_reading()
        self._paused.append((time.perf_counter() + _PAUSE_SECONDS, transport))
        if not self._is_resuming:
            self._is_resuming = True
            asyncio.get_running_loop().call_later(_PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        now = time.perf_counter()
        while self._paused and self._paused[0][0] <= now:
            _, transport = self._paused.popleft()
            if not transport.is_closing():
                transport.resume_reading()
        self._is_resuming = bool(self._paused)
        if self._is_resuming:
            asyncio.get_running_loop().call_later(_RESUME_SECONDS, self._resume)

    def response_to(self, data: bytes, make_request: MakeRequest) -> bytes | None:
        """The response that refuses the one request that these bytes are; None if it has to be looked at first.

        `make_request` makes a request without headers.
        """
        method, target = method_and_target(data)
        api = next((api for api in self._apis if target.startswith(api.prefixes)), self._apis[0])
        if (
            self._is_stopped
            or api.request_class is not PLAYERS
            or self._admission.flow(PLAYERS, is_safe=method in SAFE_METHODS).expect()
        ):
            return None
        self._admission.count_refused(PLAYERS)
        now = time.perf_counter()
        made_at, response = self._rendered.get(api.name, (0.0, b""))
        if now - made_at > _RENDER_SECONDS:
            response = _render(api.error_response(make_request(), Overloaded(OVERLOADED)))
            self._rendered[api.name] = now, response
        return response


def is_one_request(data: bytes) -> bool:
    """Whether these bytes are exactly one request, and a plain one: all of it, and nothing else.

    Anything unusual is not: another coding, an upgrade, an expectation, or an origin, which the response depends on.
    """
    end = data.find(_HEAD_END)
    if end < 0:
        return False
    head = data[: end + 2].lower()
    if any(name in head for name in _NOT_PLAIN) or not head.partition(b"\r\n")[0].endswith(b" http/1.1"):
        return False
    at = head.find(_LENGTH)
    if at < 0:
        return len(data) == end + len(_HEAD_END) and b"\r\ncontent-length" not in head
    digits = head[at + len(_LENGTH) : head.find(b"\r", at + 2)]
    is_plain = digits.isdigit() and len(digits) < 9 and head.count(b"\r\ncontent-length") == 1  # noqa: PLR2004  (9 digits)
    return is_plain and len(data) == end + len(_HEAD_END) + int(digits)


def method_and_target(data: bytes) -> tuple[str, str]:
    """The method and the target of a request line."""
    method, _, rest = data.partition(b" ")
    return method.decode("latin-1"), rest[: rest.find(b" ")].decode("latin-1")


def _render(response: web.Response) -> bytes:
    body = response.body
    assert isinstance(body, bytes)  # noqa: S101  (errors are short)
    response.headers[hdrs.SERVER] = SERVER
    response.headers[hdrs.CONTENT_LENGTH] = str(len(body))
    response.headers[hdrs.DATE] = email.utils.formatdate(usegmt=True)
    fields = "".join(f"{name}: {value}\r\n" for name, value in response.headers.items())
    return f"HTTP/1.1 {response.status} {response.reason}\r\n{fields}\r\n".encode("latin-1") + body
