"""The services object that every handler reads from the application, and the keys of what a request carries."""

import asyncio
import importlib.metadata
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from service.concurrency.processes import Processes
from service.concurrency.supervisor import Supervisor
from service.core.auth.api_keys import ApiKeys
from service.core.auth.oauth_clients import OAuthClients
from service.core.auth.principal import Principal
from service.core.auth.sessions import Sessions
from service.core.auth.tokens import Verifier
from service.core.auth.user_contexts import UserContexts
from service.core.events.subscriptions import Subscriptions
from service.core.events.writer import Writer
from service.core.localization.fallbacks import Fallbacks
from service.core.progress.continuation import ContinuationTokens
from service.core.progress.holder_counts import HolderCounts
from service.core.progress.rarity import Rarities
from service.core.progress.reader import ProgressReader
from service.core.publishing.snapshot import SnapshotStore
from service.db.incarnation import Incarnation
from service.db.pool import Pool
from service.http.limits.admission import Admission
from service.http.limits.open_streams import OpenStreams
from service.http.limits.shares import Shares
from service.outbound.jwks import JwksRefresher
from service.security_log import SecurityLog
from service.settings import Settings
from service.telemetry import Observer

T = TypeVar("T")


class ApiState:
    """State that APIs keep between requests, such as caches of rendered JSON: one object per type, made on first use."""

    def __init__(self) -> None:
        self._objects: dict[type[Any], Any] = {}

    def of(self, kind: type[T]) -> T:
        """The object of this type."""
        if kind not in self._objects:
            self._objects[kind] = kind()
        state: T = self._objects[kind]
        return state


class Services(msgspec.Struct, frozen=True, kw_only=True):
    """What handlers use: created once at startup, the same for every request."""

    settings: Settings
    pool: Pool
    incarnation: Incarnation
    verifier: Verifier
    jwks: JwksRefresher | None
    api_keys: ApiKeys
    oauth_clients: OAuthClients
    user_contexts: UserContexts
    snapshots: SnapshotStore
    progress: ProgressReader
    writer: Writer
    subscriptions: Subscriptions
    holder_counts: HolderCounts
    rarities: Rarities
    fallbacks: Fallbacks
    processes: Processes
    continuation_tokens: ContinuationTokens
    cursor_key: bytes
    sessions: Sessions
    observer: Observer
    jobs: Supervisor
    security_log: SecurityLog
    shares: Shares
    open_streams: OpenStreams = msgspec.field(default_factory=OpenStreams)
    admission: Admission = msgspec.field(default_factory=Admission)
    api_state: ApiState = msgspec.field(default_factory=ApiState)


SERVICES = web.AppKey("services", Services)
STOPPING = web.AppKey("stopping", asyncio.Event)
"""Set when the service stops: handlers of long-lived connections end them then."""
PRINCIPAL = web.RequestKey("principal", Principal)
PLAYER = web.RequestKey("player", str)
"""The player whose data is requested, set by the handler: the log line of the request shows a keyed hash of it."""

VERSION = importlib.metadata.version("laurel")
