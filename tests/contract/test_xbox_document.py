"""The sample of the Xbox document, imported and compared with the response field by field."""

import copy
import json

# As printed, but for one comma that makes it no JSON (after timeUnlocked).
PRINTED = {
    "achievements": [
        {
            "id": "3",
            "serviceConfigId": "b5dd9daf-0000-0000-0000-000000000000",
            "name": "Default NameString for Microsoft Achievements Sample Achievement 3",
            "titleAssociations": [{"name": "Microsoft Achievements Sample", "id": 3051199919, "version": "abc"}],
            "progressState": "Achieved",
            "progression": {
                "achievementState": "Achieved",
                "requirements": None,
                "timeUnlocked": "2013-01-17T03:19:00.3087016Z",
            },
            "mediaAssets": [{"name": "Icon Name", "type": "Icon", "url": "http://www.xbox.com"}],
            "platform": "D",
            "isSecret": True,
            "description": "Default DescriptionString for Microsoft Achievements Sample Achievement 3",
            "lockedDescription": "Default UnachievedString for Microsoft Achievements Sample Achievement 3",
            "productId": "12345678-1234-1234-1234-123456789012",
            "achievementType": "Challenge",
            "participationType": "Individual",
            "timeWindow": {"startDate": "2013-02-01T00:00:00Z", "endDate": "2100-07-01T00:00:00Z"},
            "rewards": [
                {"name": None, "description": None, "value": "10", "type": "Gamerscore", "valueType": "Int"},
                {
                    "name": "Default Name for InAppReward for Microsoft Achievements Sample Achievement 3",
                    "description": "Default Description for InAppReward for Microsoft Achievements Sample Achievement 3",
                    "value": "1",
                    "type": "InApp",
                    "valueType": "String",
                },
            ],
            "estimatedTime": "06:12:14",
            "deeplink": "aWFtYWRlZXBsaW5r",
            "isRevoked": False,
        }
    ],
    "pagingInfo": {"continuationToken": None, "totalRecords": 1},
}


def as_answered():
    """The sample with every deviation that real clients require."""
    page = copy.deepcopy(PRINTED)
    (item,) = page["achievements"]
    item["progression"]["requirements"] = []  # null is fatal to Microsoft's own SDK
    item["platforms"] = ["D"]  # printed nowhere, and fatal where it is missing
    for reward in item["rewards"]:
        reward["mediaAsset"] = None  # the same
    return page


async def test_sample_is_served_field_by_field(replay):
    ask = await replay(json.dumps(PRINTED).encode())

    page = await ask("achievements", titleId=3051199919)

    assert page == as_answered()


async def test_members_are_in_the_order_of_the_document(replay):
    """JSON objects have no order, but readers of the document compare from top to bottom."""
    ask = await replay(json.dumps(PRINTED).encode())

    (item,) = (await ask("achievements"))["achievements"]

    assert [name for name in item if name != "platforms"] == list(PRINTED["achievements"][0])
    assert list(item["progression"]) == list(PRINTED["achievements"][0]["progression"])


async def test_single_achievement_is_under_both_keys(replay):
    """The document on one achievement prints `achievement`; every client reads `achievements`."""
    ask = await replay(json.dumps(PRINTED).encode())

    alone = await ask("achievements/b5dd9daf-0000-0000-0000-000000000000/3")

    (item,) = as_answered()["achievements"]
    assert alone == {"achievement": item, **as_answered()}


async def test_every_filter_of_the_document_finds_the_sample(replay):
    ask = await replay(json.dumps(PRINTED).encode())

    filters = [
        {"types": "Challenge"},
        {"unlockedOnly": "true"},
        {"orderBy": "UnlockTime"},
        {"orderBy": "EndingSoon"},
        {"orderBy": "Title"},
        {"orderBy": "Unordered"},
        {"titleId": "3051199919"},
        {"maxItems": "1", "skipItems": "0"},
    ]
    assert [await ask("achievements", **chosen) for chosen in filters] == [as_answered()] * len(filters)
    assert (await ask("achievements", types="Persistent"))["achievements"] == []
    assert (await ask("achievements", skipItems="1"))["achievements"] == []
    (possible,) = (await ask("achievements", possibleOnly="true"))["achievements"]
    assert possible["progression"]["timeUnlocked"] == "0001-01-01T00:00:00.0000000Z"
