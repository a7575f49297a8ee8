"""The operators' port: is it alive, is it ready, what has it counted. Never reached by players."""

import time
from collections.abc import Iterator

import msgspec
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from service.core.events.writer import Counters
from service.http.services import Services


class WriteMetrics(Collector):
    """What this process has written: totals only, of no player and no title."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        """What Prometheus reads."""
        for name, about, value in (
            ("laurel_events", "Events that were counted.", self._counters.events),
            ("laurel_unlocks", "Achievements that were unlocked.", self._counters.unlocks),
            ("laurel_write_conflicts", "Times that a player was written by another first.", self._counters.conflicts),
        ):
            yield CounterMetricFamily(name, about, value=value)


def operations(services: Services) -> web.Application:
    """The application of the ops port: `/livez`, `/readyz`, `/metrics`."""

    async def livez(_request: web.Request) -> web.Response:
        """The loop turns: that is all it says, so that a lost database restarts nobody."""
        return web.json_response({"status": "alive"})

    async def readyz(_request: web.Request) -> web.Response:
        """Keys and catalogue are loaded. Losing the database later leaves it ready, as every instance would be."""
        releases = services.snapshots
        checks = {
            "keys": not services.verifier.ring.is_empty,
            "catalogue": releases.refreshed_at is not None,
        }
        age = None if releases.refreshed_at is None else round(time.monotonic() - releases.refreshed_at, 3)
        body = {
            "status": "ready" if all(checks.values()) else "waiting",
            "checks": checks,
            "titles": len(releases.current.titles),
            "catalogue_version": releases.current.version,
            "catalogue_age_seconds": age,
        }
        return web.Response(
            status=200 if all(checks.values()) else 503,
            body=msgspec.json.encode(body),
            content_type="application/json",
        )

    async def metrics(_request: web.Request) -> web.Response:
        """Prometheus' text format."""
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(services.observer.registry), headers=headers)

    async def count_writes(_app: web.Application) -> None:
        services.observer.registry.register(WriteMetrics(services.writer.counters))

    app = web.Application()
    app.on_startup.append(count_writes)
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app
