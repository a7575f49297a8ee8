"""The ops port: `/livez`, `/readyz` and `/metrics`. Not reachable by players."""

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
    """Prometheus counters of this process's writes, without players and titles."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        """The metric families."""
        for name, about, value in (
            ("laurel_events", "Events recorded.", self._counters.events),
            ("laurel_unlocks", "Achievements unlocked.", self._counters.unlocks),
            (
                "laurel_write_conflicts",
                "Writes that were retried because another process wrote the player first.",
                self._counters.conflicts,
            ),
        ):
            yield CounterMetricFamily(name, about, value=value)


def operations(services: Services) -> web.Application:
    """The application of the ops port: `/livez`, `/readyz`, `/metrics`."""

    async def livez(_request: web.Request) -> web.Response:
        """The event loop runs. The database is not checked: losing it must not restart processes."""
        return web.json_response({"status": "alive"})

    async def readyz(_request: web.Request) -> web.Response:
        """Keys and titles are loaded. Losing the database later does not end readiness, because every instance would."""
        snapshots = services.snapshots
        checks = {
            "keys": not services.verifier.ring.is_empty,
            "catalogue": snapshots.refreshed_at is not None,
        }
        age = None if snapshots.refreshed_at is None else round(time.monotonic() - snapshots.refreshed_at, 3)
        body = {
            "status": "ready" if all(checks.values()) else "waiting",
            "checks": checks,
            "titles": len(snapshots.current.titles),
            "catalogue_version": snapshots.current.version,
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
        services.observer.registry.register(services.jobs)

    app = web.Application()
    app.on_startup.append(count_writes)
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app
