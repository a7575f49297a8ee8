"""Seed data of the benchmark: titles with texts in eight locales, and players with many unlocks.

All data is computed from numbers, so that two runs have the same. Titles are imported and published by the core;
players are written with two statements, because a hundred thousand writes would take longer than the benchmark.
"""

import uuid
from collections.abc import Sequence

import msgspec

from service import ticks
from service.core.catalog.model import (
    Achievement,
    Draft,
    MediaAsset,
    Requirement,
    Reward,
    Title,
    achievement_key,
    reward_key,
)
from service.db import Connection
from tests.factories import publish_draft


class Language(msgspec.Struct, frozen=True):
    """A locale: the Accept-Language of its players' devices, and patterns of texts with a number."""

    accept: str
    title: str
    name: str
    description: str
    locked: str


LANGUAGES = {
    "en-US": Language(
        "en-US,en;q=0.9",
        "Lanterns of the Coast {}",
        "Keeper of Light {}",
        "Light {} lanterns along the northern coast before the tide comes in.",
        "Explore the northern coast and look for lanterns that nobody has lit.",
    ),
    "fr-FR": Language(
        "fr-CA,fr;q=0.9,en;q=0.5",
        "Lanternes de la côte {}",
        "Gardienne de la lumière {}",
        "Allumez {} lanternes le long de la côte nord avant que la marée ne monte.",
        "Explorez la côte nord et cherchez les lanternes que personne n'a allumées.",
    ),
    "de-DE": Language(
        "de-AT,de;q=0.8",
        "Laternen der Küste {}",
        "Hüter des Lichts {}",
        "Entzünde {} Laternen an der Nordküste, bevor die Flut kommt.",
        "Erkunde die Nordküste und suche nach Laternen, die niemand entzündet hat.",
    ),
    "es-ES": Language(
        "es,en;q=0.7",
        "Faroles de la costa {}",
        "Guardián de la luz {}",
        "Enciende {} faroles en la costa norte antes de que suba la marea.",
        "Explora la costa norte y busca los faroles que nadie ha encendido.",
    ),
    "pt-BR": Language(
        "pt-BR,pt;q=0.9,es;q=0.4",
        "Lanternas da Costa {}",
        "Guardiã da Luz {}",
        "Acenda {} lanternas na costa norte antes que a maré suba.",
        "Explore a costa norte e procure as lanternas que ninguém acendeu.",
    ),
    "ja-JP": Language(
        "ja",
        "海岸の灯籠 {}",
        "灯りの守り手 {}",
        "潮が満ちる前に、北の海岸の灯籠を{}個ともす。",
        "北の海岸を探検して、まだ誰もともしていない灯籠を見つけよう。",
    ),
    "zh-Hans": Language(
        "zh-CN,zh;q=0.9,en;q=0.8",
        "海岸灯火 {}",
        "守灯人 {}",
        "在涨潮之前，点亮北岸的{}盏灯笼。",
        "探索北岸，寻找无人点亮的灯笼。",
    ),
    "ar-SA": Language(
        "ar-EG,ar;q=0.9,en;q=0.3",
        "فوانيس الساحل {}",
        "حارس النور {}",
        "أشعل {} فانوسًا على طول الساحل الشمالي قبل أن يأتي المد.",
        "استكشف الساحل الشمالي وابحث عن الفوانيس التي لم يشعلها أحد.",
    ),
}

_FIRST_UNLOCK = ticks.parse("2024-02-29T03:19:00.3087016Z")

# Achievements, their order and their times are computed from the numbers of the player (i), the title (place) and the
# unlock (k). 11 shares no factor with the size of a title, so no achievement is unlocked twice. Half of the rows have
# two more achievements in progress.
_PUT_PROGRESS = """
INSERT INTO progress (player, title_id, revision, unlocked, unlocked_at, unlocked_in, currents)
SELECT
    ($1::bigint + i)::text,
    t.title_id,
    n.unlocks * cardinality($3::bigint[]) + t.place,
    array(SELECT (k * 11 + i) % $4::integer + 1 FROM generate_series(1, n.unlocks) AS k),
    array(
        SELECT $7::bigint + k * 26e11::bigint + (i * 48271 + k * 69621 + t.place * 1299709) % 2147483647 * 397
        FROM generate_series(1, n.unlocks) AS k
    ),
    array(SELECT k * cardinality($3::bigint[]) + t.place FROM generate_series(1, n.unlocks) AS k),
    CASE WHEN i % 2 = 0 AND n.unlocks + 2 <= $4::integer THEN json_build_object(
        ((n.unlocks + 1) * 11 + i) % $4::integer + 1, json_build_array((i % 99 + 1)::text),
        ((n.unlocks + 2) * 11 + i) % $4::integer + 1, json_build_array((i % 98 + 2)::text)
    ) END
FROM generate_series(0::bigint, $2::bigint - 1) AS i
CROSS JOIN unnest($3::bigint[]) WITH ORDINALITY AS t (title_id, place)
CROSS JOIN LATERAL (
    SELECT ($5::integer + (i * 7919 + t.place * 104729) % ($6::integer - $5::integer + 1))::integer AS unlocks
) AS n
"""
_PUT_PLAYERS = """
INSERT INTO player (player, revision)
SELECT p.player, max(p.revision)
FROM progress AS p
WHERE p.player >= $1::bigint::text AND p.player < ($1::bigint + $2::bigint)::text
GROUP BY p.player
"""
_PUT_COMPLETIONS = """
INSERT INTO completion_delta (title_id, number, change)
SELECT p.title_id, u.number, count(*)
FROM progress AS p
CROSS JOIN LATERAL (SELECT unnest(p.unlocked) UNION ALL SELECT 0) AS u (number)
GROUP BY p.title_id, u.number
"""
_BYTES_PER_UNLOCK = """
SELECT
    (pg_total_relation_size('progress') + pg_total_relation_size('player'))::float
    / sum(cardinality(p.unlocked))
FROM progress AS p
"""


def title(title_id: int, *, achievements: int, locales: Sequence[str] = tuple(LANGUAGES)) -> Draft:
    """A title with all strings in each of the locales."""
    return Draft(
        title=Title(title_id=title_id, scid=_guid(title_id, 0), default_locale=locales[0], version="1.0"),
        achievements=tuple(_achievement(title_id, number) for number in range(1, achievements + 1)),
        texts={locale: _texts(LANGUAGES[locale], title_id, achievements) for locale in locales},
    )


async def publish_title(connection: Connection, drafts: Sequence[Draft]) -> None:
    """Import and publish these titles."""
    for draft in drafts:
        await publish_draft(connection, draft)


async def put_players(
    connection: Connection, *, first: int, players: int, titles: Sequence[Draft], fewest: int, most: int
) -> None:
    """Give players, with XUIDs from `first` on, `fewest` to `most` unlocks in each title; all titles have the same size."""
    title_ids = [draft.title.title_id for draft in titles]
    size = len(titles[0].achievements)
    await connection.execute(_PUT_PROGRESS, first, players, title_ids, size, fewest, most, _FIRST_UNLOCK)
    await connection.execute(_PUT_PLAYERS, first, players)


async def settle(connection: Connection) -> float:
    """Count achievement holders, vacuum, and return the bytes per unlock: both tables with indexes by all unlocks."""
    await connection.execute("TRUNCATE completion_delta")
    await connection.execute(_PUT_COMPLETIONS)
    await connection.execute("VACUUM ANALYZE")
    bytes_per_unlock: float = await connection.fetchval(_BYTES_PER_UNLOCK)
    return bytes_per_unlock


def _achievement(title_id: int, number: int) -> Achievement:
    url = f"https://images.example.com/{title_id}/achievements/{number:03}"
    return Achievement(
        number=number,
        public_id=f"lantern-{number}",
        product_id=_guid(title_id, 1),
        platforms=("XboxOne", "Scarlett"),
        media=(MediaAsset(name=f"lantern-{number:03}.png", kind="Icon", url=f"{url}/icon.png"),),
        requirements=(Requirement(id=_guid(title_id, 100 + number), target="100"),),
        rewards=(Reward(kind="Gamerscore", value=str(5 + number % 4 * 5), value_type="Int"),),
        is_secret=number % 6 == 0,
        estimated_seconds=number * 60,
    )


def _texts(language: Language, title_id: int, achievements: int) -> dict[str, str]:
    texts = {"title/name": language.title.format(title_id % 1000)}
    for number in range(1, achievements + 1):
        texts |= {
            achievement_key(number, "name"): language.name.format(number),
            achievement_key(number, "description"): language.description.format(number),
            achievement_key(number, "locked_description"): language.locked,
            reward_key(number, "Gamerscore", "name"): language.name.format(number),
            reward_key(number, "Gamerscore", "description"): language.description.format(number),
        }
    return texts


def _guid(title_id: int, part: int) -> str:
    return str(uuid.UUID(int=title_id << 64 | part))
