"""The OpenAPI description of the localization API, made from its routes and schemas and the parameters listed here."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.api.localization.schemas import ActivateBody, CatalogBody, PublishBody, RestoreBody, ReviewBody, TextBody
from service.core.catalog.model import U32
from service.core.formats.registry import IMPORT_FORMATS
from service.core.formats.write import DOWNLOAD_FORMATS
from service.core.localization.import_report import MODES
from service.core.localization.strings import FILTERS
from service.core.publishing.releases import MAX_RELEASE
from service.http.api import Route
from service.http.openapi import (
    OVER_THE_SHARE,
    body_schemas,
    error_components,
    error_references,
    path_parameters,
    paths_of,
    query_parameter,
    request_body,
    schema_reference,
    summary_of,
)
from service.http.params import KEY_CHARACTERS

_ABOUT = """\
Texts of titles for localization teams and their tools: states, history, imports, releases.

The claim `l10n` of a token grants rights: suggest, translate, review, publish, and source for the default locale.
A key stands in a path with its slashes as they are, or encoded as `%2F`.
A change to a string needs its ETag in `If-Match`; without it the response is 428, with an outdated one 412 with the
current state.
Every error response is a problem (RFC 9457) with a stable `code`.
"""

_TEXT = {"type": "string"}
_WORDS = {"type": "string", "maxLength": KEY_CHARACTERS}
_LOCALE = {"type": "string", "pattern": "^[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*$", "examples": ["fr-FR"]}
_COUNTRY = {"type": "string", "pattern": "^[A-Za-z]{2}$", "examples": ["CA"]}
_TITLE = {"type": "integer", "minimum": 1, "maximum": U32 - 1}
_NUMBER = {"type": "integer", "minimum": 1}
_PATHS: Mapping[str, Mapping[str, Any]] = {
    "title": _TITLE,
    "key": {"type": "string", "minLength": 1, "maxLength": KEY_CHARACTERS, "examples": ["achievement/1/name"]},
    "locale": _LOCALE,
    "id": _NUMBER,
    "release": {"type": "integer", "minimum": 1, "maximum": MAX_RELEASE},
}

_WITH = ("with", _LOCALE, "Another locale, whose text is added.")
_QUERIES: Mapping[str, Sequence[tuple[str, Mapping[str, Any], str]]] = {
    "strings": (
        ("locale", _LOCALE, "Required. The locale to list."),
        (
            "filter",
            {"enum": list(FILTERS)},
            "Only strings in this state; `unpublished` strings differ from what is served.",
        ),
        ("q", _WORDS, "Text to search for in the key, the source and the text, ignoring case."),
        _WITH,
        ("after", _WORDS, "The `after` of the previous page."),
    ),
    "string": (_WITH,),
    "history": (("before", {"type": "integer", "minimum": 0}, "Only revisions of an earlier version."),),
    "imports": (
        ("file", _WORDS, "The name of the file, for its problems."),
        ("format", {"enum": ["", *IMPORT_FORMATS]}, "The format of the file; detected from its content without it."),
        ("locale", _LOCALE, "The language of a file that does not state it, or the one to read of several."),
        ("mode", {"enum": list(MODES)}, "`replace-locale` deletes the texts that the file does not contain."),
        ("overApproved", {"enum": ["false", "true"]}, "Replace approved texts too."),
    ),
    "batch": (("skip", {"type": "integer", "minimum": 0}, "Lines to skip, of a long report."),),
    "releases": (
        ("before", {"type": "integer", "minimum": 1, "maximum": MAX_RELEASE}, "Only releases of a lower number."),
    ),
    "release": (("skip", {"type": "integer", "minimum": 0}, "Changed texts to skip, of a long list."),),
    "batch-po": (("locale", _LOCALE, "Required if the report has several."),),
    "explain": (
        ("acceptLanguage", _WORDS, "Instead of the header `Accept-Language`."),
        ("country", _COUNTRY, "Instead of the token's, ISO 3166."),
    ),
    "export": (
        (
            "format",
            {"enum": list(DOWNLOAD_FORMATS)},
            "`po`, `pot` for the template, or the format of a store; several files come as a ZIP.",
        ),
        ("locale", _LOCALE, "The locale of `po`; all of them without it."),
    ),
}

_BODIES: Mapping[str, type] = {
    "change-catalog": CatalogBody,
    "save-string": TextBody,
    "review": ReviewBody,
    "restore": RestoreBody,
    "publish": PublishBody,
    "activate": ActivateBody,
}
_STRING_TAG, _CATALOG_TAG = '"v7-0123abcd"', '"c7-0123abcd"'
_CONDITIONAL = {
    "save-string": _STRING_TAG,
    "review": _STRING_TAG,
    "restore": _STRING_TAG,
    "apply-batch": _CATALOG_TAG,
}
_SUCCESS = {"publish": ("200", "201", "202"), "cancel-schedule": ("204",), "export": ("200", "304")}
_GETTEXT = "text/x-gettext-translation"
_FILES = {"export": (_GETTEXT, "application/*", "text/*"), "batch-po": (_GETTEXT,)}
_ERRORS = {
    "400": "A parameter, header or body is invalid; the detail names it.",
    "401": "The token is missing or invalid.",
    "403": "The token lacks a right; the detail names it.",
    "404": "No such title, string, import or release.",
    "408": "The body did not arrive in time.",
    "412": "Somebody else changed it meanwhile; `current` is the current state.",
    "413": "The body has too many bytes.",
    "415": "The body is compressed.",
    "422": "A value is invalid, or a catalog breaks rules, listed in `problems`.",
    "428": "If-Match is missing.",
    "429": f"{OVER_THE_SHARE} Or another import or export of yours is running, or too much work of yours is waiting.",
    "500": "An error of the service.",
    "503": "The database is unavailable, or the service has too many requests; try again later.",
    "504": "The database took too long; try again later.",
}


def describe(routes: Sequence[Route]) -> Mapping[str, Any]:
    """The part of this API in the OpenAPI document."""
    bodies, components = body_schemas(_BODIES)
    problem = {"application/problem+json": {"schema": schema_reference("CatalogsProblem")}}
    return {
        "tags": [{"name": "catalogs", "description": _ABOUT}],
        "paths": paths_of(routes, lambda route, path: _operation(route, path, bodies.get(route.name))),
        "components": {
            "securitySchemes": {"CatalogsToken": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            "responses": error_components("Catalogs", _ERRORS, problem),
            "schemas": {
                **components,
                "CatalogsProblem": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail", "code"],
                    "properties": {
                        "type": _TEXT,
                        "title": _TEXT,
                        "status": {"type": "integer"},
                        "detail": _TEXT,
                        "code": _TEXT,
                        "current": {"type": "object"},
                        "problems": {"type": "array", "items": {"type": "object"}},
                    },
                },
            },
        },
    }


def _operation(route: Route, path: str, body: Mapping[str, Any] | None) -> Mapping[str, Any]:
    queries = _QUERIES.get(route.name, ())
    parameters = [*path_parameters(path, _PATHS), *(query_parameter(*described) for described in queries)]
    if route.name in _CONDITIONAL:
        example = _CONDITIONAL[route.name]
        description = f"The ETag of the version that you saw, such as `{example}`."
        parameters.append(
            {"name": "If-Match", "in": "header", "required": True, "schema": _TEXT, "description": description}
        )
    kinds = _FILES.get(route.name, ("application/json",))
    result = {"description": "The result.", "content": {kind: {"schema": {}} for kind in kinds}}
    no_content = {"description": "No content."}
    operation: dict[str, Any] = {
        "operationId": f"catalogs-{route.name}",
        "tags": ["catalogs"],
        "summary": summary_of(route),
        "security": [{"CatalogsToken": []}],
        "parameters": parameters,
        "responses": {
            status: no_content if status in ("204", "304") else result for status in _SUCCESS.get(route.name, ("200",))
        }
        | error_references("Catalogs", _ERRORS),
    }
    if body is not None:
        operation["requestBody"] = request_body(body)
    if route.name == "imports":
        file = {"type": "string", "format": "binary"}
        operation["requestBody"] = request_body(file, media_type="application/octet-stream")
    return operation
