"""Fair shares: what one caller may use of this process, so that no caller is felt by the others.

A caller is a player in a title, an API key, an OAuth client, an editor, or, without a credential, an address. Each has a
share: requests in time (a token bucket), requests in progress, uploaded bytes a minute, and open streams, which
`open_streams` counts. Addresses also have a share of failed authentications. The table of shares is bounded, and nothing
is known of a caller whose share is not in it.
"""

import asyncio
import collections
import math
import time
from collections.abc import Iterator, Mapping

from aiohttp import web
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from service.core.auth.principal import CONTEXTS, READ_ANY, WRITE, Principal
from service.errors import TooManyRequests
from service.http.limits.admission import Flow
from service.quotas import Quota, RecentTable, TokenBucket
from service.settings import CallerLimits, Settings

_BURST_SECONDS = 10  # whose requests a caller may send at once
_WARNED_SECONDS = _BURST_SECONDS / 2  # that it takes until nothing is used: half of the requests are
_MEGABYTE = 1_000_000
_MINUTE = 60
_TABLE_SIZE = 8_192  # callers of each kind; about 220 bytes each
_UNLIMITED = 2**53
_SERVER_SCOPES = frozenset((READ_ANY, WRITE, CONTEXTS))  # for many players
_UNITS = {"uploads": ';qu="content-bytes"', "concurrent": ';qu="concurrent-requests"'}
_UNITS["streams"] = _UNITS["concurrent"]


class ShareLimits:
    """The limits of one kind of callers, as they are counted."""

    __slots__ = ("concurrent", "requests", "streams", "uploads")

    def __init__(self, limits: CallerLimits) -> None:
        self.requests = Quota((limits.requests or _UNLIMITED) * _BURST_SECONDS, _BURST_SECONDS)
        self.uploads = Quota((limits.upload or _UNLIMITED) * _MEGABYTE, _MINUTE)
        self.concurrent = limits.concurrent or _UNLIMITED
        self.streams = limits.streams or _UNLIMITED


class Share:
    """What one caller uses now: buckets of what comes back in time, and the number of requests in progress."""

    __slots__ = ("_uploads", "in_progress", "key", "limits", "requests")

    def __init__(self, key: int, limits: ShareLimits) -> None:
        self.key = key
        self.in_progress = 0
        self.limits = limits
        self.requests = TokenBucket()
        self._uploads = TokenBucket()

    async def pace(self) -> None:
        """Wait until the caller may send another message on a socket, and count it."""
        while wait := self.requests.take(self.limits.requests, time.perf_counter()):  # noqa: ASYNC110  (no event)
            await asyncio.sleep(wait)

    def take_upload(self, size_bytes: int, now: float) -> None:
        """Count the bytes of a body.

        Raises:
            TooManyRequests: the caller uploads too much.
        """
        quota = self.limits.uploads
        wait = self._uploads.take(quota, now, size_bytes)
        if wait:
            raise _exceeded("uploads", quota, wait, unit=" bytes")

    def low_headers(self, now: float) -> Mapping[str, str] | None:
        """The headers that warn a caller who has used more than half of the requests; None before."""
        reset = self.requests.seconds_to_full(now)
        if reset < _WARNED_SECONDS:
            return None
        quota = self.limits.requests
        return rate_limit_headers(
            "requests",
            limit=quota.amount,
            window_seconds=_BURST_SECONDS,
            remaining=self.requests.remaining(quota, now),
            reset_seconds=math.ceil(reset),
        )


class Shares(Collector):
    """The shares of all callers of this process; `refused` counts what was refused, by API and policy."""

    def __init__(self, settings: Settings) -> None:
        players, servers = ShareLimits(settings.player_limits), ShareLimits(settings.server_limits)
        self._players: RecentTable[int, Share] = RecentTable(lambda key: Share(key, players), size=_TABLE_SIZE)
        self._servers: RecentTable[int, Share] = RecentTable(lambda key: Share(key, servers), size=_TABLE_SIZE)
        self._failures: RecentTable[str, TokenBucket] = RecentTable(lambda _: TokenBucket(), size=_TABLE_SIZE)
        self._failed_sign_ins = Quota(settings.failed_sign_ins or _UNLIMITED, _MINUTE)
        self.refused: collections.Counter[tuple[str, str]] = collections.Counter()

    def collect(self) -> Iterator[Metric]:
        """The metric families."""
        family = CounterMetricFamily(
            "laurel_rate_limited", "Requests that were refused with 429.", labels=["api", "limit"]
        )
        for labels, count in self.refused.items():
            family.add_metric(labels, count)
        yield family

    def of_principal(self, principal: Principal) -> Share:
        """The share of a credential."""
        key = hash((principal.players, principal.title_id, principal.key_prefix, principal.name))
        is_player = principal.players and _SERVER_SCOPES.isdisjoint(principal.scopes)
        return (self._players if is_player else self._servers).get(key)

    def of_address(self, network: str) -> Share:
        """The share of requests without a credential from an address: many people may share one."""
        return self._servers.get(hash(network))

    def begin(self, share: Share, flow: Flow, now: float) -> None:
        """Begin a request; `end` must follow.

        Raises:
            TooManyRequests: the caller has too many requests in progress, or has sent too many.
        """
        own, limits = flow.callers.get(share, 0), share.limits
        if share.in_progress >= limits.concurrent:
            raise _too_many_at_once(limits.concurrent)
        if own and flow.has_equal_part(own):
            raise _too_many_at_once(own)
        wait = share.requests.take(limits.requests, now)
        if wait:
            raise _exceeded("requests", limits.requests, wait)
        share.in_progress += 1
        flow.callers[share] = own + 1

    def end(self, share: Share, flow: Flow) -> None:
        """End a request."""
        share.in_progress -= 1
        left = flow.callers[share] - 1
        if left:
            flow.callers[share] = left
        else:
            del flow.callers[share]

    def count_failure(self, network: str, now: float) -> TooManyRequests | None:
        """Count a failed authentication of an address; the error if there were too many.

        Valid credentials are never refused for it: people with good ones may share the address.
        """
        quota = self._failed_sign_ins
        wait = self._failures.get(network).take(quota, now)
        return _exceeded("sign-ins", quota, wait, unit=" failed authentications") if wait else None


SHARE = web.RequestKey("share", Share)
"""The share of the caller."""


def rate_limit_headers(
    policy: str, *, limit: int, window_seconds: int | None, remaining: int, reset_seconds: int
) -> dict[str, str]:
    """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11) of one policy."""
    window = "" if window_seconds is None else f";w={window_seconds}"
    return {
        "RateLimit-Policy": f'"{policy}";q={limit}{_UNITS.get(policy, "")}{window}',
        "RateLimit": f'"{policy}";r={remaining};t={reset_seconds}',
    }


def _exceeded(policy: str, quota: Quota, wait: float, *, unit: str = "") -> TooManyRequests:
    window = int(quota.window_seconds)
    return TooManyRequests(
        f"{policy}: expected at most {quota.amount}{unit} in {window} s",
        policy=policy,
        limit=quota.amount,
        window_seconds=window,
        retry_after=wait,
    )


def _too_many_at_once(limit: int) -> TooManyRequests:
    message = f"concurrent: expected at most {limit} requests at the same time"
    return TooManyRequests(message, policy="concurrent", limit=limit)
