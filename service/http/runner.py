"""The HTTP server of the application: its limits, and answers to bytes that are no HTTP request.

Such a request reaches no route. aiohttp would answer with its own page, which repeats what was sent, credentials and
all, and names its version; here one API answers with its own error response.
"""

import asyncio
import contextlib
import functools
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.http_writer import StreamWriter
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import ERROR, RequestHandler

from service.errors import BadRequest
from service.http.api import SAFE_METHODS, SERVER, Api
from service.http.early_refusal import EarlyRefusals, is_one_request
from service.http.services import SERVICES

MAX_REQUEST_LINE = 8190  # bytes
MAX_HEADER = 32 * 1024  # bytes of one header field: Accept-Language is read up to 16 KB and may be longer

_CANCEL_SECONDS = 1.0  # for requests that are cancelled because they did not end in time


class ApiRunner(web.AppRunner):
    """Runs an application, with requests that cannot be read answered by the first of its APIs.

    Only servers of this runner are concerned: other aiohttp servers of the process keep their own answers.
    """

    __slots__ = ("_apis",)

    def __init__(self, app: web.Application, apis: Sequence[Api], **options: Any) -> None:
        super().__init__(app, max_line_size=MAX_REQUEST_LINE, max_field_size=MAX_HEADER, **options)
        self._apis = apis

    def close_after_responses(self) -> None:
        """From now on, send `Connection: close` in each response and close its connection."""
        if isinstance(self.server, _Server):
            self.server.close_after_responses()

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return _Server(server, self.app, self._apis)


class _Server(web.Server):
    """The server that aiohttp makes for an application, with another protocol."""

    def __init__(self, made: web.Server, app: web.Application, apis: Sequence[Api]) -> None:
        super().__init__(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
            loop=made._loop,  # noqa: SLF001  (aiohttp has no other way to choose the protocol of an application)
            **made._kwargs,  # noqa: SLF001
        )
        self.app = app
        self.api = apis[0]
        self.refusals = EarlyRefusals(apis, app[SERVICES].admission)
        self._open: set[RequestHandler] = set()
        self._all_closed: asyncio.Future[None] | None = None

    def __call__(self) -> RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        self._open.add(handler)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        super().connection_lost(handler, exc)
        self._open.discard(handler)
        if not self._open and self._all_closed is not None and not self._all_closed.done():
            self._all_closed.set_result(None)

    def pre_shutdown(self) -> None:
        """Close idle connections; the others after their responses."""
        self.close_after_responses()
        super().pre_shutdown()
        for connection in self.connections:
            if connection._request_in_progress:  # noqa: SLF001  (whose headers may have been sent long ago)
                waiter = connection._handler_waiter = self._loop.create_future()  # noqa: SLF001
                waiter.add_done_callback(functools.partial(_close_idle, connection))

    async def shutdown(self, timeout: float | None = None) -> None:  # noqa: ASYNC109  (aiohttp's own signature)
        """Wait until requests in progress have arrived, been answered and sent, and then end those that have not.

        aiohttp would wait for their handlers too, but read nothing meanwhile, and not wait for clients that read slowly.
        """
        await self.sent(timeout or 0.0)
        await super().shutdown(_CANCEL_SECONDS)

    async def sent(self, timeout_seconds: float) -> None:
        """Wait until each connection is closed, which it is once everything written to it was sent.

        A client that reads nothing is not waited for longer than the timeout.
        """
        if self._open:
            self._all_closed = self._loop.create_future()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._all_closed, timeout_seconds)

    def close_after_responses(self) -> None:
        """Treat every request, those in progress too, as if it had asked for the connection to be closed.

        aiohttp has no such switch, and one of our own in each response would cost every request time.
        """
        self.refusals.stop()
        make_request = self.request_factory

        def last_request(message: RawRequestMessage, *arguments: Any) -> web.BaseRequest:
            return make_request(message._replace(should_close=True), *arguments)

        self.request_factory = last_request
        for connection in self.connections:
            connection._request_factory = last_request  # noqa: SLF001
            request = connection._current_request  # noqa: SLF001
            if request is not None:
                request._message = request._message._replace(should_close=True)  # noqa: SLF001


def _close_idle(connection: RequestHandler, _: "asyncio.Future[None]") -> None:
    """Close a connection whose last request has been handled."""
    connection._handler_waiter = None  # noqa: SLF001  (aiohttp resolves it once)
    connection.close()


class _Protocol(RequestHandler):
    __slots__ = ("_admission", "_api", "_app", "_handled", "_is_between_requests", "_refusals")

    def __init__(self, server: _Server, **options: Any) -> None:
        super().__init__(server, **options)
        self._app = server.app
        self._api = server.api
        self._admission = server.app[SERVICES].admission
        self._refusals = server.refusals
        self._handled = 0  # requests whose responses were written
        self._is_between_requests = False

    async def _handle_request(self, *arguments: Any) -> tuple[web.StreamResponse, bool]:
        try:
            return await super()._handle_request(*arguments)
        finally:
            self._handled += 1

    def close(self) -> None:
        """Close the connection if it is idle; with a request in progress, its response closes it.

        aiohttp would stop reading at once, and lose the rest of a body that is under way.
        """
        if not self._request_in_progress and not self._messages:
            self.force_close()  # aiohttp would leave it open until the other connections are closed
        elif self._current_request is None:
            super().close()

    def data_received(self, data: bytes) -> None:
        """Refuse a request before it is parsed, if it would be refused later and the connection has no other."""
        if not self._admission.were_players_refused:
            self._is_between_requests = False  # as far as is known
            RequestHandler.data_received(self, data)
            return
        is_plain = is_one_request(data)
        if is_plain and self._is_between_requests and self._handled == self._request_count and not self._close:
            response = self._refusals.response_to(data, self._bare_request)
            if response is not None and self.transport is not None:
                self.transport.write(response)
                self._refusals.pause(self.transport)
                return
        count = self._request_count
        super().data_received(data)
        # The parser tells nothing of a request that has only begun; one chunk that was one request leaves none behind.
        self._is_between_requests = is_plain and self._request_count == count + 1

    def connection_lost(self, exc: BaseException | None) -> None:
        """Cancel a request whose client has gone, unless it may have begun to change something or to answer."""
        request, task = self._current_request, self._task_handler
        super().connection_lost(exc)
        if (
            task is not None
            and request is not None
            and request.method in SAFE_METHODS
            and not request.writer.output_size
        ):
            self._app[SERVICES].admission.count("client_gone")
            task.cancel()

    def _bare_request(self) -> web.BaseRequest:
        assert self._request_factory is not None  # noqa: S101  (the connection is open)
        writer = StreamWriter(self, self._loop)
        return self._request_factory(ERROR, EMPTY_PAYLOAD, self, writer, self._task_handler)  # type: ignore[arg-type]

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        del message  # it quotes the request
        error = exc if isinstance(exc, Exception) and status >= HTTPStatus.INTERNAL_SERVER_ERROR else None
        bad_request = BadRequest("this cannot be read as an HTTP request within its limits")
        response = self._api.error_response(request, bad_request if status < HTTPStatus.INTERNAL_SERVER_ERROR else None)
        response.headers[hdrs.SERVER] = SERVER
        self._app[SERVICES].observer.request("-", "unreadable", response.status, 0.0, api=self._api.name, error=error)
        response.force_close()
        return response
