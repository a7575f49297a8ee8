"""Captured pages of contract 2, imported as definitions and as progress, come back as they were captured.

What may differ, and why, is `as_we_say_it` and nothing else.
"""

import copy
import json
import pathlib
from typing import Any

import pytest

CAPTURES = pathlib.Path(__file__).parents[2].parent / "shared" / "data" / "xbox"

LOCKED_AT = "0001-01-01T00:00:00.0000000Z"


def read(file: pathlib.Path) -> Any:
    """The JSON of a capture, which may follow the header lines of its response; None without JSON."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".http":
        text = text[text.index("{") :]
    try:
        return json.loads(text)
    except ValueError:  # some documents print what is no JSON
        return None


def is_page(document: Any) -> bool:
    items = document.get("achievements") if isinstance(document, dict) else None
    return bool(items) and all("serviceConfigId" in item for item in items if isinstance(item, dict))


def captures() -> list[Any]:
    found = [
        pytest.param(document["achievements"], id=file.name)
        for file in sorted(CAPTURES.rglob("*"))
        if file.suffix in (".json", ".http") and is_page(document := read(file))
    ]
    why = "there is no ../shared/data/xbox: captured pages are not part of this repository"
    return found or [pytest.param([], marks=pytest.mark.skip(reason=why))]


def as_we_say_it(captured: dict[str, Any]) -> dict[str, Any]:
    """A captured achievement with the allowed differences applied."""
    item = copy.deepcopy(captured)
    progression = item["progression"]
    # Printed in the document and not in the captures: emitted, for clients written after either.
    item.setdefault("platform", item["platforms"][0])
    progression["achievementState"] = item["progressState"]
    # Null, absent and in lower case in Microsoft's own mocks, which its other clients cannot read.
    progression["requirements"] = progression["requirements"] or []
    for requirement in progression["requirements"]:
        requirement["operationType"] = requirement["operationType"].capitalize()
        requirement.setdefault("valueType", "Integer")
    for reward in item["rewards"]:
        reward.setdefault("mediaAsset", None)
    # Always seven digits; the sentinel where the item is locked.
    whole, _, fraction = progression["timeUnlocked"].removesuffix("Z").partition(".")
    progression["timeUnlocked"] = f"{whole}.{fraction:0<7}Z" if item["progressState"] == "Achieved" else LOCKED_AT
    return item


@pytest.mark.parametrize("captured", captures())
async def test_captured_page_is_served_field_by_field(replay, captured):
    ask = await replay(json.dumps({"achievements": captured}).encode())

    page = await ask("achievements", maxItems=1000)

    assert page["achievements"] == [as_we_say_it(item) for item in captured]
    assert page["pagingInfo"] == {"continuationToken": None, "totalRecords": len(captured)}


@pytest.mark.parametrize("captured", captures())
async def test_each_captured_achievement_is_served_alone(replay, captured):
    ask = await replay(json.dumps({"achievements": captured}).encode())
    item = captured[-1]

    alone = await ask(f"achievements/{item['serviceConfigId'].upper()}/{item['id']}")

    assert alone["achievement"] == as_we_say_it(item)


def written(number: int, **changes: Any) -> dict[str, Any]:
    """An achievement as the live service sends it."""
    return {
        "id": str(number),
        "serviceConfigId": "0f2b7c1e-9a41-4a8e-8f7d-3c5e6b7a8d90",
        "name": f"Step {number}",
        "titleAssociations": [{"name": "Saltglass", "id": 4294967295}],
        "progressState": "NotStarted",
        "progression": {
            "requirements": [
                {
                    "id": f"11111111-2222-3333-4444-{number:012}",
                    "current": None,
                    "target": "100",
                    "operationType": "Sum",
                    "valueType": "Integer",
                    "ruleParticipationType": "Individual",
                }
            ],
            "timeUnlocked": LOCKED_AT,
        },
        "mediaAssets": [{"name": "a.png", "type": "Icon", "url": "http://images.example/image?url=a.b_c-d"}],
        "platforms": ["Durango"],
        "isSecret": False,
        "description": "Walked on.",
        "lockedDescription": "Walk on.",
        "productId": "12345678-1234-1234-1234-123456789012",
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
        "estimatedTime": "00:00:00",
        "deeplink": None,
        "isRevoked": False,
    } | changes


def requirement(number: int, current: str | None, **changes: Any) -> dict[str, Any]:
    (one,) = written(number)["progression"]["requirements"]
    return one | {"current": current} | changes


PAGE = [
    written(2),
    written(
        5,
        name="جاوز السور «» \u200f\"'\\/ <b>&amp;</b> 😀 \u2028 e\u0301",
        progressState="InProgress",
        progression={"requirements": [requirement(5, "41.50", valueType="Double")], "timeUnlocked": LOCKED_AT},
    ),
    written(
        10,
        progressState="Achieved",
        isSecret=True,
        progression={
            "requirements": [requirement(10, "3", target="1")],
            "timeUnlocked": "2015-10-26T18:11:03.6689508Z",
        },
    ),
    written(
        11,
        progressState="Achieved",
        progression={"requirements": [requirement(11, None)], "timeUnlocked": "2015-10-26T18:11:03.6Z"},
    ),
    written(
        100,
        titleAssociations=[{"name": "Saltglass", "id": 4294967295}],
        achievementType="Challenge",
        participationType="Group",
        platforms=["Durango", "Xbox360"],
        timeWindow={"startDate": "2013-02-01T00:00:00.1234567Z", "endDate": "2100-07-01T00:00:00.0000000Z"},
        estimatedTime="23:59:59",
        deeplink="ms-xbl-0d174c79://default?a=1&b=%20",
        isRevoked=True,
        mediaAssets=[
            {"name": "a.png", "type": "Icon", "url": "https://images.example/a.png"},
            {"name": "b.png", "type": "ChallengePromoIcon", "url": "https://images.example/b.png"},
        ],
        progression={
            "requirements": [
                requirement(100, None, operationType="Maximum", ruleParticipationType="Group"),
                requirement(101, None, operationType="Minimum"),
            ],
            "timeUnlocked": LOCKED_AT,
        },
        rewards=[
            {
                "name": "A lantern",
                "description": "It burns salt.",
                "value": "lantern",
                "type": "InApp",
                "mediaAsset": {"name": "l.png", "type": "Icon", "url": "https://images.example/l.png"},
                "valueType": "String",
            },
            {
                "name": "A poster",
                "description": None,
                "value": "https://images.example/poster.png",
                "type": "Art",
                "mediaAsset": None,
                "valueType": "String",
            },
        ],
    ),
    written(4294967295, rewards=[]),
]


async def test_page_with_every_member_is_served_field_by_field(replay):
    ask = await replay(json.dumps({"achievements": PAGE, "pagingInfo": {}}).encode())

    page = await ask("achievements")

    assert page["achievements"] == [as_we_say_it(item) for item in PAGE]


async def test_importing_a_page_twice_changes_nothing(replay):
    page = json.dumps({"achievements": PAGE}).encode()
    first = await (await replay(page))("achievements")

    again = await (await replay(page))("achievements")

    assert again == first
