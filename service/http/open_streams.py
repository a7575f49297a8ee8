"""Streams and sockets that are open: each ends once the credential that opened it is no longer valid."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from service.core.auth.principal import Principal
from service.errors import LaurelError, Unauthenticated

_CHECKS_AT_ONCE = 64  # then other work gets its turn: a check of a token that is not cached takes 0.1 ms

Authenticate = Callable[[], Awaitable[Principal]]


class OpenStreams:
    """The open streams and sockets of one process, each with the function that authenticated its request."""

    def __init__(self) -> None:
        self._open: dict[asyncio.Timeout, Authenticate] = {}

    @contextlib.asynccontextmanager
    async def while_valid(self, authenticate: Authenticate) -> AsyncIterator[None]:
        """Run the block until a check finds that the credential is not valid any more.

        Raises:
            Unauthenticated: the credential was revoked or has expired, or the key that verified it was removed.
        """
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._open[scope] = authenticate
                try:
                    yield
                finally:
                    del self._open[scope]
        except TimeoutError:
            if not scope.expired():
                raise
            raise Unauthenticated("the credential is no longer valid") from None

    async def check(self) -> None:
        """Check every credential again. Where that is not possible now, its stream stays open until the next check."""
        for number, (scope, authenticate) in enumerate(tuple(self._open.items()), 1):
            try:
                is_valid = (await authenticate()).expires_at > time.time()
            except Unauthenticated:
                is_valid = False
            except LaurelError:
                continue
            if not is_valid and scope in self._open:
                scope.reschedule(0.0)
            if number % _CHECKS_AT_ONCE == 0:
                await asyncio.sleep(0)
