"""Whether this process should be sent requests: the answer of `/readyz`, for balancers and orchestrators."""

import time
from typing import Any, Literal

import msgspec

from service.http.services import Services

MISSED_POLLS = 3  # of the catalog, before the database counts as lost
SLOW_POLL_SECONDS = 1.0  # as long as a statement may take

Status = Literal["starting", "ready", "degraded", "draining"]


class Readiness:
    """The state of this process, from its start to its end.

    A process that lacks something later stays ready, because every other process lacks it too: an orchestrator would
    take all of them away at once.
    """

    def __init__(self) -> None:
        self._services: Services | None = None
        self._is_serving = False
        self._is_draining = False

    def loaded(self, services: Services) -> None:
        """Titles are loaded, so the checks can be made."""
        self._services = services

    def serving(self) -> None:
        """Requests are answered from now on."""
        self._is_serving = True

    def draining(self) -> None:
        """The process ends: it answers, but wants no new connections."""
        self._is_draining = True

    @property
    def checks(self) -> dict[str, bool]:
        """What requests need, by name, and whether it is there."""
        if self._services is None:
            return {"catalog": False, "database": False, "keys": False}
        age = catalog_age(self._services)
        oldest = MISSED_POLLS * self._services.settings.catalog_poll + SLOW_POLL_SECONDS
        return {
            "catalog": age is not None,
            "database": age is not None and age <= oldest,
            "keys": self._services.jwks.is_fresh
            if self._services.jwks is not None
            else not self._services.verifier.ring.is_empty,
        }

    @property
    def status(self) -> Status:
        """The state in one word."""
        if self._is_draining:
            return "draining"
        if not self._is_serving:
            return "starting"
        return "ready" if all(self.checks.values()) else "degraded"

    @property
    def wants_requests(self) -> bool:
        """Whether a balancer should send requests here."""
        return self.status in ("ready", "degraded")

    def report(self, *, is_verbose: bool = False) -> dict[str, Any]:
        """The state and what it follows from; verbosely with how each background job is doing."""
        report: dict[str, Any] = {"status": self.status, "checks": self.checks}
        if self._services is not None:
            current, age = self._services.snapshots.current, catalog_age(self._services)
            report |= {
                "titles": len(current.titles),
                "catalog_version": current.version,
                "catalog_age_seconds": None if age is None else round(age, 3),
            }
            if is_verbose:
                report["jobs"] = msgspec.to_builtins(self._services.jobs.statuses)
        return report


def catalog_age(services: Services) -> float | None:
    """Seconds since the database last said which releases are published; None before."""
    refreshed_at = services.snapshots.refreshed_at
    return None if refreshed_at is None else time.monotonic() - refreshed_at
