"""A valid file of every format, items of captured pages, and a strategy for drafts."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from service import errors, ticks
from service.control_characters import is_line
from service.core.catalog import model
from service.core.catalog.model import (
    Achievement,
    Attribute,
    Draft,
    Measure,
    MediaAsset,
    Metric,
    Requirement,
    Reward,
    Title,
    Window,
)
from service.core.formats.syntax.zip_files import write_zip
from service.core.formats.toml_catalog import read_toml

SCID = "b5dd9daf-0000-0000-0000-000000000000"
PRODUCT = "12345678-1234-1234-1234-123456789012"

ITEM = {
    "id": "3",
    "serviceConfigId": SCID,
    "name": "Lamplighter",
    "titleAssociations": [{"name": "Saltglass", "id": 3051199919, "version": "abc"}],
    "progressState": "NotStarted",
    "progression": {
        "requirements": [
            {
                "id": "862f2af6-a813-4f7c-9900-c533463568aa",
                "current": None,
                "target": "250",
                "operationType": "Sum",
                "valueType": "Integer",
                "ruleParticipationType": "Individual",
            }
        ],
        "timeUnlocked": "0001-01-01T00:00:00.0000000Z",
    },
    "mediaAssets": [{"name": "lamp.png", "type": "Icon", "url": "https://images.example/lamp.png"}],
    "platforms": ["Durango"],
    "isSecret": False,
    "description": "Lit 250 street lamps.",
    "lockedDescription": "Light 250 street lamps.",
    "productId": PRODUCT,
    "achievementType": "Persistent",
    "participationType": "Individual",
    "timeWindow": None,
    "rewards": [
        {
            "name": None,
            "description": None,
            "value": "10",
            "type": "Gamerscore",
            "mediaAsset": None,
            "valueType": "Int",
        }
    ],
    "estimatedTime": "00:30:00",
    "deeplink": None,
    "isRevoked": False,
}

TOML = f"""\
title_id = 3051199919
scid = "{SCID}"
default_locale = "en-US"
name = "Saltglass"

[defaults]
product_id = "{PRODUCT}"
platforms = ["XboxOne"]

[[achievements]]
number = 1
name = "First Light"
description = "Lit the lighthouse."
locked_description = "Light the lighthouse."

[[achievements.media]]
name = "first-light.png"
kind = "Icon"
url = "https://images.example/first-light.png"

[[achievements.rewards]]
kind = "InApp"
value = "lantern"
name = "A lantern"

[[achievements]]
number = 8
name = "Lamplighter"
description = "Lit 250 street lamps."
locked_description = "Light 250 street lamps."
media = [{{ name = "lamp.png", kind = "Icon", url = "https://images.example/lamp.png" }}]
requirements = [{{ id = "862f2af6-a813-4f7c-9900-c533463568aa", target = "250" }}]
rewards = [{{ kind = "Gamerscore", value = "10" }}]
"""

PO = """\
msgid ""
msgstr ""
"Language: fr_FR\\n"
"Content-Type: text/plain; charset=UTF-8\\n"

msgctxt "title/name"
msgid "Saltglass"
msgstr "Verre de sel"

msgctxt "achievement/8/name"
msgid "Lamplighter"
msgstr "Allumeur"
"""

NAMESPACE = "http://config.mgt.xboxlive.com/schema"

LOCALIZATION = f"""\
<?xml version="1.0" encoding="utf-8"?>
<Localization xmlns="{NAMESPACE}/localization/1">
  <DevDisplayLocale locale="en-US" />
  <LocalizedString id="Presence_RP_1"><Value locale="en-US">Reading the map</Value></LocalizedString>
  <LocalizedString id="Name_1">
    <Value locale="en-US">First Steps</Value>
    <Value locale="fr-FR">Premiers pas</Value>
  </LocalizedString>
  <LocalizedString id="Unlocked_1"><Value locale="en-US">Left the village</Value></LocalizedString>
  <LocalizedString id="Locked_1"><Value locale="en-US">Leave the village</Value></LocalizedString>
</Localization>
"""

ACHIEVEMENTS2017 = f"""\
<Achievements2017 xmlns="{NAMESPACE}/achievements2017/1">
  <Achievement>
    <AchievementNameId>Name_1</AchievementNameId>
    <BaseAchievement>true</BaseAchievement>
    <DisplayOrder>4</DisplayOrder>
    <LockedDescriptionId>Locked_1</LockedDescriptionId>
    <Rewards><Gamerscore>25</Gamerscore></Rewards>
    <UnlockedDescriptionId>Unlocked_1</UnlockedDescriptionId>
    <IsHidden>true</IsHidden>
    <AchievementId>1</AchievementId>
    <IconImageId>5D8E0A94-2c17-4f6b-b3a1-6e9c4d0f7b25</IconImageId>
  </Achievement>
</Achievements2017>
"""


VDF = """\
"lang"
{
\t"english"
\t{
\t\t"Tokens"
\t\t{
\t\t\t"NEW_ACHIEVEMENT_1_0_NAME"\t"First \\"Light\\""
\t\t\t"NEW_ACHIEVEMENT_1_0_DESC"\t"Light the lighthouse."
\t\t\t"STAT_2_NAME"\t"Lamps"
\t\t}
\t}
\t"french"
\t{
\t\t"Tokens"
\t\t{
\t\t\t"NEW_ACHIEVEMENT_1_0_NAME"\t"Première lueur"
\t\t}
\t}
}
"""

PLAY = "Lamplighter,Allumeur,Allumez 250 réverbères.,fr-FR\n"
EPIC_COLUMNS = (
    "name,locale,lockedTitle,lockedDescription,unlockedTitle,unlockedDescription,flavorText,lockedIcon,unlockedIcon\n"
)
EPIC = (
    EPIC_COLUMNS
    + "8,default,A lamp?,Light 250 street lamps.,Lamplighter,Lit 250 street lamps.,,locked.png,\n"
    + "8,fr,Allumeur,,Allumeur,,,,\n"
    + "swim,fr,,,Nageur,,,,\n"
)
CSV = "key,source,fr-FR\nachievement/8/name,Lamplighter,'=Allumeur\n"


def page(*items: dict[str, Any]) -> bytes:
    """A captured page with these achievements."""
    return json.dumps({"achievements": items, "pagingInfo": {"continuationToken": None, "totalRecords": 1}}).encode()


def item(**changes: Any) -> dict[str, Any]:
    """An achievement as in a response of the live service, with these members changed; `...` removes one."""
    result = copy.deepcopy(ITEM) | changes
    return {name: value for name, value in result.items() if value is not ...}


@pytest.fixture
def make_item() -> Callable[..., dict[str, Any]]:
    return item


@pytest.fixture
def make_page() -> Callable[..., bytes]:
    return page


@pytest.fixture(scope="session")
def valid_files() -> dict[str, bytes]:
    """A valid file of every format."""
    return {
        "xbox-page": page(item()),
        "toml": TOML.encode(),
        "po": PO.encode(),
        "localization": LOCALIZATION.encode(),
        "achievements2017": ACHIEVEMENTS2017.encode(),
        "steam": VDF.encode(),
        "google-play": write_zip({"AchievementsLocalizations.csv": PLAY.encode()}),
        "epic": EPIC.encode(),
        "csv": CSV.encode(),
    }


@pytest.fixture
def draft(valid_files) -> Draft:
    """The title of the TOML: achievements 1 and 8."""
    return read_toml(valid_files["toml"], file="title.toml")


@pytest.fixture
def errors_of() -> Callable[..., list[tuple[str, int | None]]]:
    """A function that gives the rule and line of every error that a reader raises."""

    def collect(read: Callable[..., object], *values: object, **options: object) -> list[tuple[str, int | None]]:
        with pytest.raises(errors.InvalidCatalog) as raised:
            read(*values, **options)
        return [(diagnostic.rule, diagnostic.line) for diagnostic in raised.value.diagnostics]

    return collect


@pytest.fixture
def rules_of(errors_of) -> Callable[..., list[str]]:
    """A function that gives the rule of every error that a reader raises."""
    return lambda *values, **options: [rule for rule, _ in errors_of(*values, **options)]


@pytest.fixture(scope="session")
def drafts() -> st.SearchStrategy[Draft]:
    """Drafts with any values, with texts in the default locale only."""
    characters = st.characters(exclude_categories=["Cc", "Cs"])
    in_lines = characters.filter(is_line)
    label = st.text(in_lines, min_size=1, max_size=12).filter(str.strip)
    text = st.text(characters | st.just("\n"), min_size=1, max_size=20).filter(str.strip)
    guid = st.uuids().map(str)
    media = st.builds(MediaAsset, name=label, kind=label, url=st.just("https://images.example/é.png?a=b&c"))
    slot = st.builds("{}_{}".format, st.integers(0, 99), st.integers(0, 31))
    decimal = st.from_regex(r"\A-?[0-9]{1,5}(\.[0-9]{1,5})?\Z")
    any_of = lambda words: st.sampled_from(words.__args__)  # noqa: E731  (shorter than the name it saves)
    requirement = st.builds(
        Requirement,
        id=guid,
        target=decimal,
        operation=any_of(model.Operation),
        value_type=any_of(model.ValueType),
        participation=any_of(model.Participation),
        measure=st.none()
        | st.builds(
            Measure,
            aggregate=any_of(model.Aggregate),
            metric=st.none() | label,
            where=st.dictionaries(label, label, max_size=2).map(lambda pairs: tuple(sorted(pairs.items()))),
            of=st.none() | label,
            period_seconds=st.none() | st.integers(1, 10**6),
            achievements=st.lists(label, max_size=2).map(tuple),
        ),
    )
    points = st.integers(0, 1000).map(str)
    reward = any_of(model.RewardKind).flatmap(
        lambda kind: st.builds(
            Reward,
            kind=st.just(kind),
            value=points if kind == "Gamerscore" else st.text(in_lines, max_size=9),
            value_type=st.sampled_from(["Int", "String", "Art"]),
            media=st.none() | media,
        )
    )
    last = ticks.MAX // ticks.SECOND * ticks.SECOND

    def window_of(opens_at: int, digits: int) -> Window:
        unit = 10 ** (7 - digits)
        return Window(opens_at=opens_at // unit * unit, closes_at=last, fraction_digits=digits)

    window = st.builds(window_of, st.integers(0, last - 1), st.integers(0, 7))
    few = {"max_size": 3}
    achievement = st.builds(
        Achievement,
        number=st.integers(1, model.U32 - 1),
        public_id=label.map(lambda name: f"id-{name}"),
        product_id=st.sampled_from([PRODUCT, SCID]),
        platforms=st.lists(label, min_size=1, max_size=2).map(tuple),
        media=st.lists(media, min_size=1, max_size=2).map(tuple),
        requirements=st.lists(requirement, unique_by=lambda item: item.id, **few).map(tuple),
        rewards=st.lists(reward, unique_by=lambda item: item.kind, **few).map(tuple),
        display_order=st.integers(0, model.U32 - 1),
        kind=any_of(model.Kind),
        participation=any_of(model.Participation),
        is_secret=st.booleans(),
        is_revoked=st.booleans(),
        window=st.none() | window,
        deeplink=st.none() | st.text(in_lines, max_size=9),
        estimated_seconds=st.integers(0, 86_399),
        legacy_type=st.integers(1, 7),
        image_id=st.integers(0, model.U32 - 1),
        status=any_of(model.Status),
        key=st.none() | label,
        user_filter=st.dictionaries(label, label, max_size=2).map(lambda pairs: tuple(sorted(pairs.items()))),
        is_base=st.booleans(),
        stores=st.fixed_dictionaries({}, optional={"xbox": guid, "steam": slot, "epic": label}).map(
            lambda pairs: tuple(sorted(pairs.items()))
        ),
    )
    metric = st.builds(
        Metric,
        key=label,
        public_id=label,
        unit_type=any_of(model.UnitType),
        units=st.none() | label,
        status=any_of(model.MetricStatus),
    )
    attribute = st.builds(Attribute, key=label, public_id=label, kind=any_of(model.AttributeKind), name=label)

    @st.composite
    def draft(draw: st.DrawFn) -> Draft:
        unique = (lambda item: item.number, lambda item: item.public_id)
        achievements = sorted(draw(st.lists(achievement, unique_by=unique, **few)), key=lambda item: item.number)
        locale = draw(st.sampled_from(["en-US", "ar-SA", "zh-Hant-TW"]))
        keys = [model.TITLE_NAME, *draw(st.lists(label.map(lambda id_: f"string/{id_}"), unique=True, max_size=2))]
        for item in achievements:
            keys += item.text_keys()
            keys += [model.reward_key(item.number, reward.kind, "name") for reward in item.rewards]
            keys += [model.reward_key(item.number, reward.kind, "description") for reward in item.rewards]
        metrics = draw(st.lists(metric, unique_by=lambda item: item.key, max_size=2))
        keys += [model.metric_key(item.key) for item in metrics]
        chosen = [key for key in keys if draw(st.booleans())]
        title = Title(
            title_id=draw(st.integers(1, model.U32 - 1)),
            scid=draw(guid),
            default_locale=locale,
            kind=draw(label),
            platform=draw(label),
            version=draw(st.none() | label),
            text_unit=draw(any_of(model.TextUnit)),
            trust=draw(any_of(model.Trust)),
            metrics=tuple(metrics),
            attributes=tuple(draw(st.lists(attribute, max_size=2))),
        )
        texts = {locale: {key: draw(text) for key in chosen}}
        return Draft(title=title, achievements=tuple(achievements), texts=texts)

    return draft()
