"""Conditional requests, for every documented GET."""

from tests.api.documented import headers, operations, url_of
from tests.api.trophy.conftest import key_of

__all__ = ["headers", "key_of"]


async def test_clients_that_send_the_etag_back_get_304_and_the_same_headers(client, headers):
    tagged = set()
    async for method, path, _ in operations(client):
        if method != "get":
            continue
        first = await client.get(url_of(path), headers=headers(path))
        etag = first.headers.get("ETag")
        if first.status != 200 or etag is None or first.headers["Cache-Control"] == "no-store":
            continue  # a tag of what is never stored is for If-Match alone
        tagged.add(path)
        for condition in (etag, f'"other", {etag}', f"W/{etag}", "*"):
            again = await client.get(url_of(path), headers=headers(path) | {"If-None-Match": condition})
            assert (again.status, await again.read(), again.headers["ETag"]) == (304, b"", etag), (path, condition)
            for name in ("Vary", "Cache-Control"):
                assert again.headers.get(name) == first.headers.get(name), (path, name)
        other = await client.get(url_of(path), headers=headers(path) | {"If-None-Match": '"other"'})
        assert (other.status, other.headers["ETag"]) == (200, etag), path

    assert {"/achievements", "/users/xuid({xuid})/achievements"} <= tagged
    assert len(tagged) >= 10, tagged
