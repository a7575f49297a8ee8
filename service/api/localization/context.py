"""What all requests of this door share: who asks, of which title, locale and key, against which version."""

import re
from collections.abc import Mapping
from typing import Any

from aiohttp import hdrs, web

from service.api.localization import responses
from service.core.auth.principal import Principal
from service.core.publishing.published_title import PublishedTitle
from service.errors import InvalidParameter, PreconditionRequired, Unauthenticated
from service.http.authenticate import authenticate_token
from service.http.params import TitleRequest
from service.http.services import SERVICES

_TAG = re.compile(r'"([vc])(0|[1-9][0-9]{0,9})"', re.ASCII)


async def authenticate(request: web.Request) -> Principal:
    """Who asks, from the one `Authorization: Bearer <token>` field.

    Raises:
        Unauthenticated: the field is missing, given twice, or holds no token that is good.
    """
    fields = request.headers.getall(hdrs.AUTHORIZATION, ())
    if len(fields) != 1:
        raise Unauthenticated(f"Authorization: expected one field, Bearer <token>, got {len(fields)}")
    services = request.app[SERVICES]
    return await authenticate_token(services, services.verifier.bearer, fields[0])


class RequestContext(TitleRequest):
    """One request about one title, by somebody who has a right on it."""

    @property
    def published(self) -> PublishedTitle | None:
        """What is served of the title; None before the first publish."""
        return self.services.snapshots.current.titles.get(self.title_id)

    def served_texts(self, locale: str) -> Mapping[str, str]:
        """The texts that are served in a locale, by key."""
        return {} if self.published is None else self.published.texts.get(locale, {})


def if_match(request: web.Request, kind: str) -> int:
    """The version in the one `If-Match` field: of a string (kind "v"), or of the title's catalogue ("c").

    Raises:
        Unconditional: there is no such field.
        InvalidParameter: it is no ETag of that kind, or there are several.
    """
    fields = request.headers.getall(hdrs.IF_MATCH, ())
    example = f'"{kind}7"'
    if not fields:
        raise PreconditionRequired(f"If-Match: expected the ETag of what you saw, such as {example}, and there is none")
    match = _TAG.fullmatch(fields[0].strip()) if len(fields) == 1 else None
    if match is None or match[1] != kind or int(match[2]) >= 2**31:
        raise InvalidParameter(hdrs.IF_MATCH, f"one ETag such as {example}", ", ".join(fields))
    return int(match[2])


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
