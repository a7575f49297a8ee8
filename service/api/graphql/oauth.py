"""`POST /oauth/token`: applications exchange client credentials for a token of an hour (RFC 6749 §4.4).

All error responses follow RFC 6749 §5.2.
"""

import base64
import binascii
import urllib.parse
from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import hdrs, web

from service.core.auth.api_keys import prefix_of
from service.core.auth.principal import CONTEXTS
from service.core.auth.tokens import CLIENT_LIFETIME_SECONDS
from service.errors import (
    BadRequest,
    InvalidField,
    LaurelError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from service.http.body import read_body
from service.http.problem import Statuses, error_headers, message_of, nearest, status_of
from service.http.security_events import CLIENT_ID, log_event
from service.http.services import SERVICES

_MAX_BODY_BYTES = 8 * 1024
_FORM = "application/x-www-form-urlencoded"
_GRANT = "client_credentials"


class UnsupportedGrant(BadRequest):
    """A grant type that is not supported."""

    code = "unsupported_grant"


class InvalidScope(BadRequest):
    """A scope that clients cannot request."""

    code = "bad_scope"


_STATUS: Statuses = {InvalidField: HTTPStatus.BAD_REQUEST}
_CODES: Mapping[type[LaurelError], str] = {
    UnsupportedGrant: "unsupported_grant_type",
    InvalidScope: "invalid_scope",
    Unauthenticated: "invalid_client",
    TooManyRequests: "temporarily_unavailable",
    Unavailable: "temporarily_unavailable",
    LaurelError: "invalid_request",
}


async def issue_token(request: web.Request) -> web.Response:
    """Exchange client credentials, in the header or the form, for a token."""
    form = _form(request, await read_body(request, limit=_MAX_BODY_BYTES))
    if form.get("grant_type") != _GRANT:
        raise UnsupportedGrant(f"grant_type: expected {_GRANT}")
    if not set(form.get("scope", "").split()) <= {CONTEXTS}:
        raise InvalidScope(f"scope: expected {CONTEXTS}, or none")
    client_id, client_secret = _client(request, form)
    known_form = prefix_of(client_id)
    if known_form is not None:
        request[CLIENT_ID] = known_form
    token = await request.app[SERVICES].oauth_clients.issue_token(client_id, client_secret)
    log_event(request, "token_issued")
    body = {"access_token": token, "token_type": "Bearer", "expires_in": CLIENT_LIFETIME_SECONDS, "scope": CONTEXTS}
    return _response(200, body)


def error_response(_request: web.BaseRequest, error: LaurelError | None) -> web.Response:
    """An error in the terms of RFC 6749 §5.2; None is a bug, which is reported without detail."""
    code = "server_error" if error is None else nearest(error, _CODES)
    response = _response(status_of(error, _STATUS), {"error": code, "error_description": message_of(error)})
    response.headers.update(error_headers(error, challenge='Basic realm="laurel"'))
    return response


def _form(request: web.Request, body: bytes) -> dict[str, str]:
    """The parameters of a form.

    Raises:
        UnsupportedMediaType: the body has another media type.
        BadRequest: it cannot be read, or a parameter is repeated (RFC 6749 §3.2).
    """
    if request.content_type != _FORM:
        raise UnsupportedMediaType(f"Content-Type: expected {_FORM}")
    try:
        pairs = urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=16)
    except ValueError:
        raise BadRequest(f"the body cannot be read as {_FORM}") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise BadRequest("a parameter is repeated in the body")
    return form


def _client(request: web.Request, form: dict[str, str]) -> tuple[str, str]:
    """The client's id and secret: in the Basic header or in the form, never in both (RFC 6749 §2.3)."""
    fields = request.headers.getall(hdrs.AUTHORIZATION, ())
    if not fields:
        if not form.get("client_id") or not form.get("client_secret"):
            raise Unauthenticated("client_id and client_secret: expected both, in the form or as Basic credentials")
        return form["client_id"], form["client_secret"]
    if len(fields) > 1 or "client_secret" in form:
        raise BadRequest("the client sends its secret in more than one way")
    scheme, _, encoded = fields[0].partition(" ")
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        decoded = ""
    client_id, colon, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise Unauthenticated("Authorization: expected Basic credentials of a client")
    return urllib.parse.unquote_plus(client_id), urllib.parse.unquote_plus(secret)


def _response(status: int, body: object) -> web.Response:
    headers = {hdrs.CACHE_CONTROL: "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json", headers=headers)
