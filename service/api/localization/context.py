"""What all requests of this door share: who asks, of which title, locale and key, against which version."""

from collections.abc import Mapping
from typing import Any

from aiohttp import hdrs, web

from service.api.localization import responses
from service.core.publishing.published_title import PublishedTitle
from service.http.params import TitleRequest


class RequestContext(TitleRequest):
    """One request about one title, by somebody who has a right on it."""

    @property
    def published(self) -> PublishedTitle | None:
        """What is served of the title; None before the first publish."""
        return self.services.snapshots.current.titles.get(self.title_id)

    def served_texts(self, locale: str) -> Mapping[str, str]:
        """The texts that are served in a locale, by key."""
        return {} if self.published is None else self.published.texts.get(locale, {})


def json_response(
    document: Any, *, status: int = 200, tag: str | None = None, location: str | None = None
) -> web.Response:
    """The document as JSON. Nothing of what is being edited is kept by anybody on the way."""
    headers = {hdrs.CACHE_CONTROL: "no-store", "X-Content-Type-Options": "nosniff"}
    if tag is not None:
        headers[hdrs.ETAG] = tag
    if location is not None:
        headers[hdrs.LOCATION] = location
    return web.Response(
        status=status, body=responses.encode(document), headers=headers, content_type="application/json"
    )
