"""Values that tests are made of: tokens, achievements, drafts, each with defaults for what a test does not care about."""

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
    """The header of a token for a player; claims as `credentials.claims_for` takes them."""
    wanted = {"issuer": "laurel", "audience": "laurel", "now": int(time.time())} | claims
    made = tokens.claims_for(player, **wanted)
    return tokens.authorization(tokens.sign(made, SECRET), user_hash=made["xui"][0]["uhs"])


def bearer(name: str = "Ana", *, can: tuple[str, ...] = ("publish", "source"), **grant: Any) -> str:
    """The header of a token for somebody who works on texts: by default everything, everywhere."""
    l10n = [{"titles": "*", "locales": "*", "can": list(can)} | grant]
    made = tokens.claims_for(None, issuer="laurel", audience="laurel", now=int(time.time()), subject=name, l10n=l10n)
    return tokens.authorization(tokens.sign(made, SECRET), user_hash="-", scheme="bearer")


def achievement(number: int, **changes: Any) -> Achievement:
    """A plain achievement of 10 points with one requirement."""
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
    """An achievement that is unlocked when a measure reaches the target: the sum of a metric, if nothing else is said."""
    of_measure = {name: changes.pop(name) for name in Measure.__struct_fields__ if name in changes}
    measure = Measure(**({"aggregate": "sum", "metric": metric} | of_measure))
    requirement = Requirement(id=f"00000000-0000-0000-0000-{number:012}", target=str(target), measure=measure)
    return achievement(number, requirements=(requirement,), **changes)


def metric(key: str = "words", **changes: Any) -> Metric:
    """Something that is counted."""
    return Metric(key=key, public_id=f"metric-{key}", **changes)


def event(amount: int | str = 1, *, metric: str = "words", **changes: Any) -> Event:
    """Something that a player did."""
    return Event(**({"metric": metric, "amount": Decimal(amount), "event_id": uuid.uuid4()} | changes))


def draft(title_id: int, achievements: tuple[Achievement, ...], **changes: Any) -> Draft:
    """A title with English texts such as "Name 3"; `texts` adds locales."""
    texts = {"title/name": f"Title {title_id}"}
    for one in achievements:
        texts |= {
            achievement_key(one.number, "name"): f"Name {one.number}",
            achievement_key(one.number, "description"): f"Description {one.number}",
            achievement_key(one.number, "locked_description"): f"Locked {one.number}",
        }
    for one_metric in changes.get("metrics", ()):
        texts[metric_key(one_metric.key)] = f"Metric {one_metric.key}"
    more = changes.pop("texts", {})
    title = Title(
        **(
            {"title_id": title_id, "scid": f"00000000-0000-0000-0000-{title_id:012x}", "default_locale": "en-US"}
            | changes
        )
    )
    return Draft(title=title, achievements=achievements, texts={"en-US": texts, **more})


async def publish_draft(connection: Connection, new: Draft, *, mode: MergeMode = "complete") -> int:
    """Import a draft and publish it; gives the number of its release."""
    await import_draft(connection, OPERATOR, new, mode=mode)
    return (await publish_title(connection, OPERATOR, new.title.title_id)).release
