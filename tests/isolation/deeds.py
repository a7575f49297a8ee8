"""What anybody can do through each route, on a large title: the costly variants, in an order that lets them succeed.

`DEEDS` has an entry for each route of each API, and more than one where a route has several costly uses.
"""

import datetime
import itertools
import json
import urllib.parse
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from service.core.auth.principal import WRITE
from tests.factories import OTHER, authorization, bearer
from tests.isolation.large_title import LOCALES, TITLE, po_file, po_of_backslashes

SCID = f"00000000-0000-0000-0000-{TITLE:012x}"
NAME = "achievement/1/name"
ITEMS = 100  # of a request to the admin API
FORM = "application/x-www-form-urlencoded"
PO = "text/x-gettext-translation"
NEW_LANGUAGES = ("af", "am", "az", "be", "bg", "bn", "ca", "cs", "da", "el", "et", "eu", "fa", "fi", "gl", "gu", "he")


class World:
    """The running service: sizes, credentials, and what earlier deeds have made."""

    def __init__(self, *, strings: int, key: str) -> None:
        self.strings = strings
        self.key = key
        self.values: dict[str, str] = {
            "batch": "1",
            "release": "1",
            "version": "1",
            "tag": "",
            "cookie": "",
            "form_key": "",
        }
        self.numbers = itertools.count(1)

    def headers(self, api: str) -> dict[str, str]:
        """The credential of somebody who may use an API."""
        match api:
            case "xbox" | "open-badges":
                return {"Authorization": authorization(OTHER, scopes=(WRITE,)), "x-xbl-contract-version": "2"}
            case "trophy":
                return {"X-API-KEY": self.key}
            case "badges":
                return {"Authorization": authorization(OTHER, title_id=TITLE)}
            case "catalogs":
                return {"Authorization": bearer()}
            case "workbench":
                return {"Cookie": self.values["cookie"]}
            case "badges-public" | "openapi":
                return {}
            case _:
                raise AssertionError(f"say here how a request of {api} is authenticated")

    def seen(self) -> dict[str, str]:
        """The condition of a change: what was seen last is still so."""
        return {"If-Match": self.values["tag"]}


Body = bytes | dict[str, Any] | list[Any]


class Deed(NamedTuple):
    """One request: `path` is filled in from the world's values, and `status` is expected.

    `times` sends the request so often, each with the next number in `{n}`. `keep` takes values from the response.
    """

    api: str
    route: str
    method: str
    path: str
    body: Callable[[World], Body] | None = None
    headers: Callable[[World], Mapping[str, str]] = lambda _world: {}
    content_type: str = "application/json"
    status: int = 200
    times: int = 1
    keep: Callable[[World, Mapping[str, str], bytes], None] | None = None


def _form(**fields: str) -> Callable[[World], bytes]:
    return lambda world: urllib.parse.urlencode(
        {"form_key": world.values["form_key"]}
        | {name: value.format_map(world.values) for name, value in fields.items()}
    ).encode()


def _json(body: Body) -> Callable[[World], Body]:
    return lambda _world: body


def _achievements(world: World) -> Body:
    return [
        {
            "name": f"Made {next(world.numbers)}",
            "description": "Made for a test",
            "trigger": "api",
            "key": f"made-{next(world.numbers)}",
            "status": "active",
        }
        for _ in range(ITEMS)
    ]


def _keep_batch(world: World, headers: Mapping[str, str], body: bytes) -> None:
    world.values["batch"] = headers["Location"].rpartition("/")[2]
    world.values["version"] = str(json.loads(body)["catalogVersion"])
    world.values["tag"] = headers["ETag"]


def _keep_release(world: World, headers: Mapping[str, str], _body: bytes) -> None:
    world.values["release"] = headers["Location"].rpartition("/")[2]


def _keep_tag(world: World, headers: Mapping[str, str], _body: bytes) -> None:
    world.values["tag"] = headers["ETag"]


def _keep_session(world: World, headers: Mapping[str, str], _body: bytes) -> None:
    world.values["cookie"] = headers["Set-Cookie"].partition(";")[0]


def _keep_form(world: World, _headers: Mapping[str, str], body: bytes) -> None:
    text = body.decode()
    world.values["form_key"] = text.partition('name="form_key" value="')[2].partition('"')[0]


def _keep_report(world: World, headers: Mapping[str, str], _body: bytes) -> None:
    world.values["batch"] = headers["Location"].rpartition("/")[2].partition("?")[0]


def languages(world: World) -> Mapping[str, str]:
    """An order of languages that nobody has asked for before."""
    number, chosen = next(world.numbers), []
    names = [*NEW_LANGUAGES, *(locale[:2] for locale in LOCALES)]
    while names:
        number, index = divmod(number * 7919 + 13, len(names))
        chosen.append(names.pop(index))
    return {"Accept-Language": ", ".join(chosen)}


def document(text: str) -> Callable[[World], Body]:
    """A GraphQL request in which each `@` is a number that no other document has."""
    return lambda world: {"query": text.replace("@", str(next(world.numbers)))}


INTROSPECTION = (
    "{ q@: __schema { types { "
    + " ".join(
        f"a{i}: fields {{ name type {{ name kind ofType {{ name fields {{ name }} }} }} args {{ name }} }}"
        for i in range(10)
    )
    + " } } }"
)
LARGE_DOCUMENT = (
    "{ "
    + " ".join(
        f"q@r{i}: getBadges(first: 1) {{ nodes {{ {' '.join(f'f{j}: title' for j in range(45))} }} }}"
        for i in range(10)
    )
    + " }"
)
_USER = f"/users/{OTHER}"
_TODAY = datetime.datetime.now(datetime.UTC).date()
_YESTERDAY = _TODAY - datetime.timedelta(days=1)
_EVENTS = [{"user": {"id": OTHER}, "key": "words", "value": 1} for _ in range(ITEMS)]


def _trophy(prefix: str, suffix: str) -> tuple[Deed, ...]:
    def deed(route: str, method: str, path: str, body: Callable[[World], Body] | None = None, **more: Any) -> Deed:
        return Deed("trophy", f"{route}{suffix}", method, prefix + path, body, **more)

    user = _json({"user": {"id": OTHER}})
    return (
        deed("create-user", "POST", "/users", _json({"id": OTHER}), status=201),
        deed("event", "POST", "/metrics/words/event", _json({"user": {"id": OTHER}, "value": 1}), status=201),
        deed("complete", "POST", "/achievements/1/complete", user, status=201),
        deed("achievements", "GET", "/achievements?userAttributes=plan:{n}", times=20),
        deed("achievements", "GET", "/achievements", headers=languages, times=5),
        deed("user-achievements", "GET", f"{_USER}/achievements?includeIncomplete=true&include=progress"),
        deed("user-stream", "HEAD", f"{_USER}/achievements/stream"),
        deed(
            "event-summary",
            "GET",
            f"{_USER}/metrics/words/event-summary?aggregation=daily&startDate={_YESTERDAY}&endDate={_TODAY}",
        ),
        deed("user-metric", "GET", f"{_USER}/metrics/words?include=progress"),
        deed("user-metrics", "GET", f"{_USER}/metrics"),
        deed("user-streak", "GET", f"{_USER}/streak"),
        deed("streaks", "GET", f"/streaks?userIds={OTHER}"),
        deed("user", "GET", _USER),
        deed("identify-user", "PUT", _USER, _json({"name": "Ana"})),
        deed("update-user", "PATCH", _USER, _json({"name": "Bea"})),
    )


def _admin(collection: str, body: Callable[[World], Body]) -> tuple[Deed, ...]:
    base = f"/admin/v1/{collection}"

    def keep(world: World, _headers: Mapping[str, str], made: bytes) -> None:
        created = json.loads(made)["created"]
        assert len(created) == ITEMS
        world.values[collection] = ",".join(item["id"] for item in created)
        world.values["one"] = created[0]["id"]

    def renamed(world: World) -> Body:
        return [{"id": name, "name": f"New {name[:8]}"} for name in world.values[collection].split(",")]

    return (
        Deed("trophy", f"admin-create-{collection}", "POST", base, body, status=201, keep=keep),
        Deed("trophy", f"admin-list-{collection}", "GET", f"{base}?limit=100"),
        Deed("trophy", f"admin-get-{collection}", "GET", f"{base}/{{one}}"),
        Deed("trophy", f"admin-update-{collection}", "PATCH", base, renamed),
        Deed("trophy", f"admin-delete-{collection}", "DELETE", f"{base}?ids={{{collection}}}"),
    )


def _keyed(kind: str | None) -> Callable[[World], Body]:
    def items(world: World) -> Body:
        made = [{"name": "Made", "key": f"made-{next(world.numbers)}"} for _ in range(ITEMS)]
        return [item | ({} if kind is None else {"type": kind}) for item in made]

    return items


_STRING = f"/catalogs/{TITLE}/strings/{NAME}/fr-FR"
_IMPORTS = f"/catalogs/{TITLE}/imports"
_RELEASES = f"/catalogs/{TITLE}/releases"
_PAGES = f"/l10n/{TITLE}"


def _po(word: str) -> Callable[[World], bytes]:
    """A file of new texts, others each time."""
    return lambda world: po_file(
        world.strings * 4 // 5, word=f"{word} {next(world.numbers)}", achievements=world.strings // 4
    )


def _multipart(word: str) -> Callable[[World], bytes]:
    def body(world: World) -> bytes:
        fields = {"form_key": world.values["form_key"].encode(), "locale": b"fr-FR", "mode": b"merge"}
        parts = [
            f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value
            for name, value in fields.items()
        ]
        head = (
            '--x\r\nContent-Disposition: form-data; name="file"; filename="fr.po"\r\nContent-Type: text/plain\r\n\r\n'
        )
        return b"\r\n".join([*parts, head.encode() + _po(word)(world), b"--x--\r\n"])

    return body


def _xbox_update(_world: World) -> Body:
    items = [{"id": str(number), "percentComplete": 100} for number in range(1, 51)]
    return {
        "action": "progressUpdate",
        "serviceConfigId": SCID,
        "titleId": TITLE,
        "userId": OTHER,
        "achievements": items,
    }


DEEDS: tuple[Deed, ...] = (
    Deed("xbox", "update", "POST", f"/users/xuid({OTHER})/achievements/{SCID}/update", _xbox_update),
    Deed("xbox", "achievements", "GET", f"/users/xuid({OTHER})/achievements?titleId={TITLE}&maxItems=1000"),
    Deed(
        "xbox",
        "achievements",
        "GET",
        f"/users/xuid({OTHER})/achievements?titleId={TITLE}&skipItems={{n}}",
        headers=languages,
        times=30,
    ),
    Deed(
        "xbox",
        "achievements",
        "GET",
        f"/users/xuid({OTHER})/achievements?titleId={TITLE}&orderBy=UnlockTime&skipItems={{n}}",
        times=5,
    ),
    Deed(
        "xbox",
        "titleachievements",
        "GET",
        f"/users/xuid({OTHER})/titleachievements?titleId={TITLE}&maxItems=1000",
        headers=lambda _world: {"x-xbl-contract-version": "1"},
    ),
    Deed("xbox", "achievement", "GET", f"/users/xuid({OTHER})/achievements/{SCID}/1"),
    Deed("xbox", "connect", "GET", "/connect", status=400),
    Deed("xbox", "history", "GET", f"/users/xuid({OTHER})/history/titles"),
    *_trophy("", ""),
    *_trophy("/v1", "-v1"),
    Deed("trophy", "admin-events", "POST", "/admin/v1/metrics/events", _json(_EVENTS), status=202),
    Deed(
        "trophy",
        "admin-create-keys",
        "POST",
        "/admin/v1/application-api-keys",
        _json([{"userId": OTHER}] * 10),
        status=201,
    ),
    Deed("trophy", "admin-delete-keys", "DELETE", "/admin/v1/application-api-keys?ids=1", status=200),
    *_admin("attributes", _keyed("user")),
    *_admin("metrics", _keyed(None)),
    Deed("badges", "graphql", "GET", "/graphql?query={{__typename}}"),
    Deed("badges", "graphql", "POST", "/graphql", document(INTROSPECTION), times=10),
    Deed("badges", "graphql", "POST", "/graphql", document(LARGE_DOCUMENT), times=10),
    Deed(
        "badges",
        "graphql",
        "POST",
        "/graphql",
        document("{ getBadges(first: 100) { nodes { id title } totalItems } }"),
    ),
    Deed(
        "badges-public",
        "give_token",
        "POST",
        "/oauth/token",
        lambda _world: b"grant_type=client_credentials",
        content_type=FORM,
        status=401,
    ),
    Deed("badges-public", "graphiql", "GET", "/graphiql"),
    Deed("badges-public", "graphiql_file", "GET", "/graphiql/schema.json"),
    Deed("open-badges", "credential", "GET", f"/open-badges/titles/{TITLE}/users/{OTHER}/achievements/1"),
    Deed("open-badges", "issuer", "GET", f"/open-badges/titles/{TITLE}/issuer"),
    Deed("open-badges", "achievement", "GET", f"/open-badges/titles/{TITLE}/achievements/1"),
    Deed("open-badges", "status-list", "GET", f"/open-badges/titles/{TITLE}/status/0"),
    Deed("open-badges", "key", "GET", "/open-badges/keys/none", status=404),
    Deed("open-badges", "key-set", "GET", "/.well-known/jwks.json"),
    Deed("catalogs", "catalogs", "GET", "/catalogs"),
    Deed("catalogs", "catalog", "GET", f"/catalogs/{TITLE}"),
    *(
        Deed("catalogs", "export", "GET", f"/catalogs/{TITLE}/export?format={kind}")
        for kind in ("po", "csv", "xbox", "toml")
    ),
    Deed("catalogs", "strings", "GET", f"/catalogs/{TITLE}/strings?locale=fr-FR&q=lantern"),
    Deed("catalogs", "explain", "GET", f"/catalogs/{TITLE}/explain?acceptLanguage=pt,fr-CA"),
    Deed("catalogs", "fallbacks", "GET", f"/catalogs/{TITLE}/fallbacks"),
    Deed("catalogs", "string", "GET", _STRING, keep=_keep_tag),
    Deed(
        "catalogs",
        "save-string",
        "PUT",
        _STRING,
        _json({"text": "Gardien neuf", "state": "needs_review"}),
        World.seen,
        keep=_keep_tag,
    ),
    Deed(
        "catalogs",
        "review",
        "POST",
        f"{_STRING}/review",
        _json({"verdict": "approve"}),
        World.seen,
        keep=_keep_tag,
    ),
    Deed("catalogs", "restore", "POST", f"{_STRING}/restore", _json({"version": 1}), World.seen, keep=_keep_tag),
    Deed("catalogs", "history", "GET", f"{_STRING}/history"),
    Deed(
        "catalogs",
        "imports",
        "POST",
        f"{_IMPORTS}?format=po&locale=fr-FR",
        lambda _world: po_of_backslashes(5 * 2**20 - 64),
        content_type=PO,
    ),
    Deed(
        "catalogs",
        "imports",
        "POST",
        f"{_IMPORTS}?format=po&locale=fr-FR",
        _po("neuf"),
        content_type=PO,
        keep=_keep_batch,
    ),
    Deed("catalogs", "batch", "GET", f"{_IMPORTS}/{{batch}}"),
    Deed("catalogs", "batch-po", "GET", f"{_IMPORTS}/{{batch}}.po"),
    Deed("catalogs", "apply-batch", "POST", f"{_IMPORTS}/{{batch}}/apply", None, World.seen),
    Deed("catalogs", "publish", "POST", _RELEASES, _json({"dryRun": True})),
    Deed("catalogs", "publish", "POST", _RELEASES, _json({"note": "all of it"}), status=201, keep=_keep_release),
    Deed("catalogs", "releases", "GET", _RELEASES),
    Deed("catalogs", "release", "GET", f"{_RELEASES}/{{release}}"),
    Deed("catalogs", "activate", "POST", f"{_RELEASES}/1/activate", _json({})),
    Deed("catalogs", "change-catalog", "PATCH", f"/catalogs/{TITLE}", _json({"publishFrom": "translated"})),
    Deed("catalogs", "cancel-schedule", "DELETE", f"/catalogs/{TITLE}/schedules/1", status=404),
    Deed("workbench", "session", "GET", "/l10n/session"),
    Deed(
        "workbench",
        "begin-session",
        "POST",
        "/l10n/session",
        lambda _world: urllib.parse.urlencode({"token": bearer()}).encode(),
        content_type=FORM,
        status=303,
        keep=_keep_session,
    ),
    Deed("workbench", "titles", "GET", "/l10n", keep=_keep_form),
    Deed("workbench", "static", "GET", "/l10n/static/1/none", status=404),
    Deed("workbench", "title", "GET", _PAGES),
    Deed("workbench", "list-strings", "GET", f"{_PAGES}/fr-FR?q=lantern"),
    Deed("workbench", "edit-string", "GET", f"{_PAGES}/fr-FR/achievement/2/name"),
    Deed(
        "workbench",
        "change-string",
        "POST",
        f"{_PAGES}/fr-FR/achievement/2/name",
        _form(action="save", text="Gardien", version="2"),
        content_type=FORM,
        status=303,
    ),
    Deed("workbench", "save-string", "PUT", f"{_PAGES}/fr-FR/achievement/3/name", _json({"text": "x"}), status=428),
    Deed("workbench", "export", "GET", f"{_PAGES}/export?format=csv"),
    Deed("workbench", "imports", "GET", f"{_PAGES}/imports"),
    Deed(
        "workbench",
        "read-file",
        "POST",
        f"{_PAGES}/imports",
        _multipart("page"),
        content_type="multipart/form-data; boundary=x",
        status=303,
        keep=_keep_report,
    ),
    Deed("workbench", "report", "GET", f"{_PAGES}/imports/{{batch}}"),
    Deed("workbench", "report-po", "GET", f"{_PAGES}/imports/{{batch}}.po?locale=fr-FR"),
    Deed(
        "workbench",
        "apply-report",
        "POST",
        f"{_PAGES}/imports/{{batch}}/apply",
        _form(catalog_version="{version}"),
        content_type=FORM,
        status=409,
    ),
    Deed("workbench", "releases", "GET", f"{_PAGES}/releases"),
    Deed("workbench", "release", "GET", f"{_PAGES}/releases/{{release}}"),
    Deed(
        "workbench",
        "publish",
        "POST",
        f"{_PAGES}/releases",
        _form(action="publish", note="", catalog_version="{version}"),
        content_type=FORM,
        status=409,
    ),
    Deed("workbench", "activate", "POST", f"{_PAGES}/releases/1/activate", _form(), content_type=FORM, status=303),
    Deed(
        "workbench", "cancel-schedule", "POST", f"{_PAGES}/schedules/1/cancel", _form(), content_type=FORM, status=404
    ),
    Deed("workbench", "end-session", "POST", "/l10n/session/end", _form(), content_type=FORM, status=303),
    *_admin("achievements", _achievements),
    Deed("openapi", "openapi", "GET", "/openapi.json"),
    Deed("openapi", "openapi-trophy", "GET", "/openapi"),
    Deed("openapi", "openapi-trophy-v1", "GET", "/v1/openapi"),
)
