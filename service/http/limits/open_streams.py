"""Streams and sockets that are open: each caller has a share of them, and each ends with the credential that opened it.

A stream or socket is one unit, and so is each subscription of a socket. When all units are used, the caller who has
most gives way to one who has less: nobody is refused because of one other.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from service.core.auth.principal import Principal
from service.core.events.subscriptions import MAX_SUBSCRIPTIONS
from service.errors import LaurelError, TooManyRequests, Unauthenticated, Unavailable
from service.http.limits.shares import Share

_CHECKS_AT_ONCE = 64  # then other work gets its turn: a check of a token that is not cached takes 0.1 ms

Authenticate = Callable[[], Awaitable[Principal]]


class OpenStream:
    """One stream or socket, which has the unit of its connection and one for each of its subscriptions."""

    def __init__(self, streams: "OpenStreams", caller: "_Caller") -> None:
        self._streams = streams
        self._caller = caller
        self._scope = asyncio.timeout(None)
        self._authenticate: Authenticate | None = None
        self._end_error: LaurelError | None = None
        self.units = 0

    def add_unit(self) -> None:
        """Take a unit more.

        Raises:
            TooManyRequests: all are used, and the caller has no fewer than any other.
            Unavailable: all are used by callers who have one each.
        """
        if self._end_error is not None:
            raise self._end_error
        self._streams.take_unit(self._caller)
        self.units += 1

    def remove_unit(self) -> None:
        """Give one back."""
        if self._end_error is None:
            self._streams.return_units(self._caller, 1)
            self.units -= 1

    @contextlib.asynccontextmanager
    async def while_valid(self, authenticate: Authenticate) -> AsyncIterator[None]:
        """Run the block until a check finds that the credential is not valid any more, or the stream has to give way.

        Raises:
            Unauthenticated: the credential was revoked or has expired, or the key that verified it was removed.
            TooManyRequests: others had fewer streams, and needed this one's place.
        """
        if self._end_error is not None:
            raise self._end_error
        self._authenticate = authenticate
        try:
            async with self._scope:
                yield
        except TimeoutError:
            if self._end_error is None:
                raise
            raise self._end_error from None
        finally:
            self._authenticate = None

    async def is_valid(self) -> bool:
        """Whether the credential is still valid; True also where that is not known now."""
        if self._authenticate is None:
            return True
        try:
            return (await self._authenticate()).expires_at > time.time()
        except Unauthenticated:
            return False
        except LaurelError:
            return True

    def end(self, error: LaurelError) -> None:
        """End the block with this error, unless it is ending already."""
        if self._end_error is not None:
            return
        self._end_error = error
        if self._authenticate is not None:
            self._scope.reschedule(0.0)


class _Caller:
    """The open streams of one caller, oldest first, and the units of all of them."""

    def __init__(self, share: Share) -> None:
        self.share = share
        self.streams: dict[OpenStream, None] = {}
        self.units = 0


class OpenStreams:
    """The open streams and sockets of one process."""

    def __init__(self, *, max_units: int = MAX_SUBSCRIPTIONS) -> None:
        self._callers: dict[int, _Caller] = {}
        self._free = max_units

    @contextlib.contextmanager
    def open(self, share: Share) -> Iterator[OpenStream]:
        """A place for one stream or socket of a caller; its request is not counted as one in progress meanwhile.

        Raises:
            TooManyRequests: the caller has as many as it may have.
            Unavailable: all units are used by callers who have one each.
        """
        caller = self._callers.get(share.key) or _Caller(share)
        if len(caller.streams) >= share.limits.streams:
            raise TooManyRequests(
                f"streams: expected at most {share.limits.streams} at the same time",
                policy="streams",
                limit=share.limits.streams,
            )
        stream = OpenStream(self, caller)
        stream.add_unit()
        self._callers[share.key] = caller
        caller.streams[stream] = None
        share.in_progress -= 1
        try:
            yield stream
        finally:
            share.in_progress += 1
            if stream in caller.streams:
                self._remove(caller, stream)

    def take_unit(self, caller: _Caller) -> None:
        """Take a unit for a caller; one who has more gives way if none is free."""
        if not self._free:
            most = max(self._callers.values(), key=lambda other: other.units)
            if most.units <= caller.units + 1:
                if caller.units:
                    raise TooManyRequests(
                        f"streams: expected at most {caller.units}, while all are used",
                        policy="streams",
                        limit=caller.units,
                    )
                raise Unavailable("all streams are used by others")
            newest = next(reversed(most.streams))
            self._remove(most, newest)
            newest.end(TooManyRequests("streams: others had fewer", policy="streams", limit=most.units))
        self._free -= 1
        caller.units += 1

    def return_units(self, caller: _Caller, units: int) -> None:
        """Return units of a caller."""
        self._free += units
        caller.units -= units

    def _remove(self, caller: _Caller, stream: OpenStream) -> None:
        del caller.streams[stream]
        self.return_units(caller, stream.units)
        if not caller.streams:
            del self._callers[caller.share.key]

    def _all(self) -> list[OpenStream]:
        return [stream for caller in self._callers.values() for stream in caller.streams]

    def end_all(self) -> None:
        """End every stream and socket: their clients come back to what is true now."""
        for stream in self._all():
            stream.end(Unavailable("the data was restored: open the stream again"))

    async def check(self) -> None:
        """Check every credential again. Where that is not possible now, its stream stays open until the next check."""
        for number, stream in enumerate(self._all(), 1):
            if not await stream.is_valid():
                stream.end(Unauthenticated("the credential is no longer valid"))
            if number % _CHECKS_AT_ONCE == 0:
                await asyncio.sleep(0)
