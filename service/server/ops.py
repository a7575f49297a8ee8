"""The ops port: `/livez`, `/readyz` and `/metrics`. Not reachable by players."""

from collections.abc import Callable, Iterator
from http import HTTPStatus

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from service.core.events.writer import Counters
from service.http.services import Services
from service.server.readiness import Readiness


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


class KeySetMetrics(Collector):
    """The age of the issuer's key set in this process, in seconds; None before the first."""

    def __init__(self, age: Callable[[], float | None]) -> None:
        self._age = age

    def collect(self) -> Iterator[Metric]:
        """The metric families; none before the first set."""
        age = self._age()
        if age is not None:
            about = "Seconds since the issuer's key set was fetched."
            yield GaugeMetricFamily("laurel_jwks_age_seconds", about, value=age)


def register_metrics(services: Services) -> None:
    """Add the metrics of what handlers use to those of requests."""
    registry = services.observer.registry
    registry.register(WriteMetrics(services.writer.counters))
    registry.register(services.jobs)
    registry.register(services.shares)
    registry.register(services.security_log)
    registry.register(services.admission)
    key_set = services.jwks
    if key_set is not None:
        registry.register(KeySetMetrics(lambda: key_set.age))


def operations(readiness: Readiness, registry: CollectorRegistry) -> web.Application:
    """The application of the ops port: `/livez`, `/readyz`, `/metrics`."""

    async def livez(_request: web.Request) -> web.Response:
        """The event loop runs. The database is not checked: losing it must not restart processes."""
        return web.json_response({"status": "alive"})

    async def readyz(request: web.Request) -> web.Response:
        """Whether to send requests here: 200 for `ready` and `degraded`, 503 for `starting` and `draining`."""
        status = HTTPStatus.OK if readiness.wants_requests else HTTPStatus.SERVICE_UNAVAILABLE
        return web.json_response(readiness.report(is_verbose="verbose" in request.query), status=status)

    async def metrics(_request: web.Request) -> web.Response:
        """Prometheus' text format."""
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app
