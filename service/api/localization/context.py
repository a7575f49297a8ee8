"""The context of a request to the localization API (principal, title, key, locale), and its JSON responses."""

from collections.abc import Mapping
from typing import Any

from aiohttp import hdrs, web

from service.api.localization import responses
from service.core.publishing.published_title import PublishedTitle
from service.http.conditional import in_pieces
from service.http.title_request import TitleRequest


class RequestContext(TitleRequest):
    """One request about one title, by a principal with any right on it."""

    @property
    def published(self) -> PublishedTitle | None:
        """The served release of the title; None before the first publish."""
        return self.services.snapshots.current.titles.get(self.title_id)

    def served_texts(self, locale: str) -> Mapping[str, str]:
        """The served texts of a locale, by key."""
        return {} if self.published is None else self.published.texts.get(locale, {})


def json_response(
    document: Any, *, status: int = 200, tag: str | None = None, location: str | None = None
) -> web.Response:
    """The document as JSON, which no cache stores."""
    headers = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"}
    if tag is not None:
        headers[hdrs.ETAG] = tag
    if location is not None:
        headers[hdrs.LOCATION] = location
    return web.Response(
        status=status, body=in_pieces(responses.encode(document)), headers=headers, content_type="application/json"
    )
