"""Factories of test values (tokens, achievements, metrics, events, drafts) with defaults for everything."""

import time
import uuid
from decimal import Decimal
from typing import Any

from service.core.auth import tokens
from service.core.auth.principal import OPERATOR
from service.core.catalog.model import (
    Achievement,
    Draft,
    Measure,
    MediaAsset,
    Metric,
    Requirement,
    Reward,
    Title,
    achievement_key,
    metric_key,
)
from service.core.publishing.drafts import import_draft
from service.core.publishing.merge import MergeMode
from service.core.publishing.publish import publish_title
from service.core.unlocks.model import Event
from service.db import Connection

SECRET = "a secret of the tests, long enough to be one"
PLAYER = "2533274790395904"
OTHER = "2533274790395905"


def authorization(player: str = PLAYER, **claims: Any) -> str:
    """An Authorization header with a token for a player; `claims` are passed to `tokens.claims_for`."""
    arguments = {"issuer": "laurel", "audience": "laurel", "now": int(time.time())} | claims
    made = tokens.claims_for(player, **arguments)
    return tokens.authorization(tokens.sign(made, SECRET), user_hash=made["xui"][0]["uhs"])


def bearer(name: str = "Ana", *, can: tuple[str, ...] = ("publish", "source"), **grant: Any) -> str:
    """An Authorization header for somebody who works on texts, by default with all rights on all titles and locales."""
    l10n = [{"titles": "*", "locales": "*", "can": list(can)} | grant]
    made = tokens.claims_for(None, issuer="laurel", audience="laurel", now=int(time.time()), subject=name, l10n=l10n)
    return tokens.authorization(tokens.sign(made, SECRET), user_hash="-", scheme="bearer")


def achievement(number: int, **changes: Any) -> Achievement:
    """An achievement with 10 points, one requirement and an icon."""
    fields: dict[str, Any] = {
        "number": number,
        "public_id": str(number),
        "product_id": "12345678-1234-1234-1234-123456789012",
        "platforms": ("XboxOne",),
        "media": (MediaAsset(name="icon.png", kind="Icon", url="https://images.example.com/icon.png"),),
        "requirements": (Requirement(id=f"00000000-0000-0000-0000-{number:012}", target="100"),),
        "rewards": (Reward(kind="Gamerscore", value="10", value_type="Int"),),
    }
    return Achievement(**(fields | changes))


def counted(number: int, target: int | str, *, metric: str | None = "words", **changes: Any) -> Achievement:
    """An achievement that unlocks when a measure reaches the target; by default, the sum of a metric."""
    of_measure = {name: changes.pop(name) for name in Measure.__struct_fields__ if name in changes}
    measure = Measure(**({"aggregate": "sum", "metric": metric} | of_measure))
    requirement = Requirement(id=f"00000000-0000-0000-0000-{number:012}", target=str(target), measure=measure)
    return achievement(number, requirements=(requirement,), **changes)


def metric(key: str = "words", **changes: Any) -> Metric:
    """A metric."""
    return Metric(key=key, public_id=f"metric-{key}", **changes)


def event(amount: int | str = 1, *, metric: str = "words", **changes: Any) -> Event:
    """An event of a metric."""
    return Event(**({"metric": metric, "amount": Decimal(amount), "event_id": uuid.uuid4()} | changes))


def draft(title_id: int, achievements: tuple[Achievement, ...], **changes: Any) -> Draft:
    """A title with English texts such as "Name 3"; `texts` adds locales."""
    texts = {"title/name": f"Title {title_id}"}
    for earnable in achievements:
        texts |= {
            achievement_key(earnable.number, "name"): f"Name {earnable.number}",
            achievement_key(earnable.number, "description"): f"Description {earnable.number}",
            achievement_key(earnable.number, "locked_description"): f"Locked {earnable.number}",
        }
    for counted_metric in changes.get("metrics", ()):
        texts[metric_key(counted_metric.key)] = f"Metric {counted_metric.key}"
    more = changes.pop("texts", {})
    title = Title(
        **(
            {"title_id": title_id, "scid": f"00000000-0000-0000-0000-{title_id:012x}", "default_locale": "en-US"}
            | changes
        )
    )
    return Draft(title=title, achievements=achievements, texts={"en-US": texts, **more})


async def publish_draft(connection: Connection, new: Draft, *, mode: MergeMode = "complete") -> int:
    """Import and publish a draft; returns the number of its release."""
    await import_draft(connection, OPERATOR, new, mode=mode)
    return (await publish_title(connection, OPERATOR, new.title.title_id)).release
