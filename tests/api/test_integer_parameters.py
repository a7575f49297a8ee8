"""Every bounded integer of the OpenAPI document, in spellings that differ from plain digits."""

import pytest

from tests.api.documented import headers, operations, url_of
from tests.api.trophy.conftest import key_of
from tests.factories import PLAYER

__all__ = ["headers", "key_of"]

UNDOCUMENTED = (
    ("get", "/admin/v1/metrics", {"name": "skip", "in": "query"}, {"minimum": 0, "maximum": 10**9}),
    ("get", "/admin/v1/metrics", {"name": "limit", "in": "query"}, {"minimum": 1, "maximum": 100}),
)


async def test_integer_parameters_ignore_leading_zeros_and_reject_anything_else(client, headers):
    """Never an internal error, never a value beyond the limits, never another value than the digits say."""
    tested, wrong = set(), []
    documented = [
        (method, path, parameter, parameter["schema"])
        async for method, path, parameters in operations(client)
        for parameter in parameters
        if parameter["schema"].get("type") == "integer"
    ]
    for method, path, parameter, schema in (*documented, *UNDOCUMENTED):
        tested.add((path, parameter["name"]))
        least, most = schema["minimum"], schema.get("maximum", 2**63)

        async def answer(text, *, method=method, path=path, parameter=parameter):
            response = await client.request(method, url_of(path, parameter, text), headers=headers(path))
            body = await response.read()
            # Error responses of the Xbox API have a random correlation vector.
            return response.status, response.headers.get("ETag"), body if response.ok else b""

        plain = str(PLAYER if parameter["name"] == "xuid" else max(least, 1))
        expected = await answer(plain)
        assert expected[0] < 500, (path, parameter["name"])
        for same in (f"0{plain}", "0" * 11 + plain, "0" * 200 + plain):
            response = await answer(same)
            is_rejected = parameter["name"] == "xuid" and response[0] == 400  # an XUID has at most 20 digits
            if response != expected and not is_rejected:
                wrong.append((path, parameter["name"], same[:20], response[0]))
        refused = (
            *(f"+{plain}", f"-{plain}", f"{plain}.0", f"{plain}e0", f"{plain}_0", "0x1", "١", "９", "²", "\0", "a"),
            *(str(most + 1), f"000000{most + 1}", f"0000007{most}", "9" * 400, f"-{'0' * 400}1"),
        )
        for text in (*refused, *((str(least - 1),) if least else ())):
            status, _, _ = await answer(text)
            if not 400 <= status < 500:
                wrong.append((path, parameter["name"], text[:20], status))

    assert wrong == []

    assert {name for _, name in tested} >= {"historyPeriods", "skipItems", "titleId", "before", "limit", "release"}
    assert len(tested) > 40


@pytest.mark.parametrize(
    ("text", "status"),
    [("0", 200), ("365", 200), ("000365", 200), ("366", 422), ("000000700000", 422), ("700000", 422), ("٧", 422)],
)
async def test_history_of_a_streak_is_never_longer_than_a_year(client, headers, text, status):
    """A reader that checked the first six characters alone took 000000700000 for 0 days."""
    path = f"/users/{PLAYER}/streak"
    response = await client.get(path, params={"historyPeriods": text}, headers=headers(path))

    assert response.status == status
    assert status != 200 or len((await response.json())["streakHistory"]) == int(text)
