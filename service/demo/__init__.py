"""The content of `laurel demo`: two games, a learning platform, a player with progress in each, and credentials."""

import datetime
import pathlib
import uuid
from decimal import Decimal

import msgspec

from service import ticks
from service.core.auth import api_keys
from service.core.auth.principal import OPERATOR
from service.core.auth.user_contexts import Scope, UserContext, UserContexts
from service.core.events.writer import Writer
from service.core.formats.title_folder import read_title_folder
from service.core.formats.xbox import captured_page
from service.core.progress.import_progress import import_progress
from service.core.publishing.drafts import draft_of, import_draft
from service.core.publishing.publish import publish_title
from service.core.publishing.snapshot import SnapshotStore
from service.core.unlocks.model import Change, Event
from service.db.pool import Pool
from service.locales import locales_folder

PLAYER = "2533274790395904"
SAMPLE, GAME, ACADEMY = 3051199919, 1297290417, 1403872066
TITLES = (SAMPLE, GAME, ACADEMY)

_HERE = pathlib.Path(__file__).parent


class _DemoEvent(msgspec.Struct, frozen=True):
    """An event of the demo player on a day of November 2026."""

    metric: str
    amount: int
    day: int
    attributes: dict[str, str] = {}


_NAVIGATION = {"learning-path": "coastal-navigation"}
_EVENTS = {
    GAME: (
        _DemoEvent("lanterns", 7, 14, {"shore": "north"}),
        _DemoEvent("nights", 1, 14, {"shore": "north"}),
        _DemoEvent("lanterns", 5, 15, {"shore": "south"}),
        _DemoEvent("nights", 1, 15, {"shore": "south"}),
        _DemoEvent("lanterns", 4, 17, {"shore": "north"}),
    ),
    ACADEMY: (
        _DemoEvent("lp-enrolled", 1, 2, _NAVIGATION),
        _DemoEvent("social-connections", 1, 3),
        _DemoEvent("social-connections", 1, 5),
        _DemoEvent("social-posts", 1, 5),
        _DemoEvent("social-connections", 1, 6),
        _DemoEvent("lp-completed", 1, 9, _NAVIGATION),
        _DemoEvent("lp-passed", 1, 10, _NAVIGATION),
        _DemoEvent("social-posts", 2, 12),
        _DemoEvent("social-connections", 1, 13),
        _DemoEvent("social-connections", -1, 14),
    ),
}
_CONTEXTS: tuple[tuple[int, str, str, list[Scope]], ...] = (
    (1, PLAYER, "Ada of the Lamp", ["AUTHENTICATED"]),
    (2, "guest", "A guest", []),
    (3, "harbour-master", "The harbour master", ["ADMINISTRATOR", "AUTHENTICATED"]),
)


async def load(pool: Pool) -> None:
    """Import and publish the demo's titles with the player's progress; existing titles are not changed."""
    new = await _load_titles(pool)
    if not new:
        return
    snapshots = SnapshotStore(pool)
    await snapshots.refresh()
    writer = Writer(pool, snapshots)
    if ACADEMY in new:
        contexts = UserContexts(pool)
        for number, player, name, scopes in _CONTEXTS:
            await contexts.put(OPERATOR, writer.write, _context(number, player, name, scopes))
    for title_id, demo_events in _EVENTS.items():
        if title_id in new:
            events = tuple(_event(event) for event in demo_events)
            await writer.write(Change(player=PLAYER, title_id=title_id, events=events))


async def make_key(pool: Pool) -> str:
    """Create an API key of the demo game."""
    async with pool.connection() as connection:
        return (await api_keys.create_key(connection, title_id=GAME)).key


async def make_client(pool: Pool) -> str:
    """Create an OAuth client of the learning platform; returns its id and secret, separated by a space."""
    async with pool.connection() as connection:
        return " ".join(await api_keys.create_client(connection, title_id=ACADEMY))


async def _load_titles(pool: Pool) -> list[int]:
    """Import and publish missing titles and return their ids."""
    async with pool.transaction() as connection:
        new = [title_id for title_id in TITLES if await draft_of(connection, title_id) is None]
        for title_id in new:
            file = _HERE / f"title-{title_id}.toml"
            draft, _ = read_title_folder(file, locales_folder())
            await import_draft(connection, OPERATOR, draft, file=file.name)
            await publish_title(connection, OPERATOR, title_id)
        if GAME in new:
            file = _HERE / f"progress-{PLAYER}.json"
            captured = captured_page.read_progress(file.read_bytes(), file=file.name)
            await import_progress(connection, player=PLAYER, progress=captured)
    return new


def _event(event: _DemoEvent) -> Event:
    at = ticks.from_datetime(datetime.datetime(2026, 11, event.day, 20, tzinfo=datetime.UTC))
    return Event(
        metric=event.metric,
        amount=Decimal(event.amount),
        event_id=uuid.uuid4(),
        at=at,
        attributes=event.attributes,
    )


def _context(number: int, player: str, name: str, scopes: list[Scope]) -> UserContext:
    return UserContext(
        context_id=0,
        title_id=ACADEMY,
        uuid=uuid.UUID(f"00000000-0000-4000-8000-{number:012}"),
        player=player,
        display_name=name,
        is_active=True,
        scopes=scopes,
    )
