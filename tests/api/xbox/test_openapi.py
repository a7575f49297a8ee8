"""`/openapi.json` describes exactly what the Xbox API does."""

import re
from typing import get_args

import jsonschema_rs
import msgspec
import pytest
import schemathesis
from aiohttp.test_utils import make_mocked_request

from service import demo
from service.api.xbox import errors, list_request
from service.api.xbox.routes import API
from service.core.catalog.model import Kind, MediaAsset, Requirement, Reward, Window
from service.errors import InvalidParameter, Unavailable
from service.server import openapi
from service.server.app import APIS
from service.settings import CONTRACT_VERSIONS
from tests.factories import OTHER, PLAYER, achievement, authorization

DOCUMENT = openapi.document((API,))
PATHS, COMPONENTS = DOCUMENT["paths"], DOCUMENT["components"]
READ = [path for path in PATHS if "get" in PATHS[path] and path != "/connect"]
SCID = "00000000-0000-0000-0000-000000000001"
LIST, ONE = "/users/xuid({xuid})/achievements", "/users/xuid({xuid})/achievements/{scid}/{number}"


def resolved(part):
    """A part of the document, or the part that its `$ref` names."""
    if "$ref" not in part:
        return part
    found = DOCUMENT
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def parameters(path, where):
    """The parameters of an operation in one place (query, header, path), by name."""
    all_of_them = map(resolved, PATHS[path]["get"]["parameters"])
    return {parameter["name"]: parameter for parameter in all_of_them if parameter["in"] == where}


def closed(part):
    """The same schema, without members that it does not describe."""
    if isinstance(part, list):
        return [closed(member) for member in part]
    if not isinstance(part, dict):
        return part
    only = {"additionalProperties": False} if part.get("type") == "object" else {}
    return {name: closed(member) for name, member in part.items()} | only


def validator(schema):
    """A strict validator for a schema of the document."""
    whole = {"components": closed(COMPONENTS), **schema}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def hold(path, response, body):
    """Assert that the document describes a response of this path, with its headers and members."""
    described = resolved(PATHS[path]["get"]["responses"][str(response.status)])
    for name, header in described["headers"].items():
        assert name in response.headers or not header["required"], name
        if name in response.headers:
            value = response.headers[name]
            is_number = header["schema"].get("type") == "integer"
            validator(header["schema"]).validate(int(value) if is_number else value)
    if "content" in described:
        validator(described["content"][response.content_type]["schema"]).validate(body)
    else:
        assert body is None


@pytest.fixture
async def full_title(make_title, give, services):
    """A title whose achievements have every kind of member, and a player with progress in it."""
    media = MediaAsset(name="icon.png", kind="Icon", url="https://images.example.com/icon.png")
    achievements = (
        achievement(1),
        achievement(
            2,
            is_secret=True,
            is_revoked=True,
            deeplink="ms-xbl-1://two",
            estimated_seconds=86_399,
            platforms=("XboxOne", "Xbox360"),
            rewards=(
                Reward(kind="Gamerscore", value="10", value_type="Int"),
                Reward(kind="Art", value="art", value_type="String", media=media),
            ),
        ),
        achievement(
            3,
            kind="Challenge",
            participation="Group",
            window=Window(opens_at=0, closes_at=638_000_000_000_000_000),
            requirements=(Requirement(id=SCID, target="1.50", operation="Maximum", value_type="Double"),),
            rewards=(),
        ),
    )
    title = await make_title(7, achievements=achievements, version="1.0")
    await give(title, {2: 634_939_967_403_087_016, 1: 0}, currents={3: ("1.0624",)})
    await services.rarities.refresh()


@pytest.mark.parametrize("contract", [1, 2, 3, 4])
@pytest.mark.parametrize(
    "what",
    [
        "achievements",
        "achievements?titleId=7&maxItems=1",
        "achievements?titleId=7&possibleOnly=true",
        "achievements?unlockedOnly=true&orderBy=UnlockTime",
        "achievements?types=Challenge&orderBy=EndingSoon",
        "achievements?titleId=404",
        "achievements?skipItems=100",
        "titleachievements?titleId=7",
        "history/titles?orderBy=UnlockTime",
        "achievements/00000000-0000-0000-0000-000000000007/2",
        "achievements/00000000-0000-0000-0000-000000000007/3",
    ],
)
@pytest.mark.usefixtures("full_title")
async def test_response_matches_its_description(ask, contract, what):
    """It has every required header and exactly the described members, and so has the 304."""
    path = ONE if "/0" in what else f"/users/xuid({{xuid}})/{what.partition('?')[0]}"

    response = await ask(what, raw=True, contract=contract)
    again = await ask(
        what, raw=True, contract=contract, status=304, headers={"If-None-Match": response.headers["ETag"]}
    )

    hold(path, response, await response.json())
    hold(path, again, None)


@pytest.mark.parametrize(("contract", "shape"), [(1, "Xbox360"), (2, "Xbox"), (3, "Xbox360"), (4, "Xbox")])
@pytest.mark.usefixtures("full_title")
async def test_contract_has_its_own_shape(ask, contract, shape):
    """The description allows either shape, a contract has one; 3 and 4 have `rarity`."""
    page = await ask("titleachievements?titleId=7", contract=contract)

    validator({"$ref": f"#/components/schemas/{shape}Achievements"}).validate(page)
    assert {"rarity" in item for item in page["achievements"]} == {contract > 2}


FAILING = {
    "a bad query": (LIST, "achievements?maxItems=many", {}, 400),
    "a bad token": (LIST, "achievements?continuationToken=garbage", {}, 400),
    "a bad number": (ONE, f"achievements/{SCID}/one", {}, 400),
    "no credential": (LIST, "achievements", {"Authorization": ""}, 401),
    "another player": (LIST, "achievements", {"Authorization": authorization(OTHER)}, 403),
    "no such achievement": (ONE, f"achievements/{SCID}/1", {}, 404),
    "no such contract": (LIST, "achievements", {"x-xbl-contract-version": "5"}, 406),
}


@pytest.mark.parametrize(("path", "what", "headers", "status"), FAILING.values(), ids=FAILING)
async def test_error_matches_its_description(ask, path, what, headers, status):
    response = await ask(what, raw=True, headers=headers, status=status)

    hold(path, response, await response.json())


@pytest.mark.parametrize("error", [None, Unavailable("not now")], ids=["a bug", "unreachable database"])
def test_errors_that_tests_cannot_cause_are_described_too(error):
    response = errors.error_response(make_mocked_request("GET", "/"), error)

    hold(LIST, response, msgspec.json.decode(response.body))


def test_document_is_valid_openapi():
    assert schemathesis.openapi.from_dict(openapi.document(APIS)).validate() is None
    for schema in COMPONENTS["schemas"].values():
        jsonschema_rs.meta.validate(schema | {"$schema": "https://json-schema.org/draft/2020-12/schema"})


def test_every_reference_resolves_and_every_component_is_used():
    used = set(re.findall(r'"(#/components/[^"]+)"', msgspec.json.encode(DOCUMENT).decode()))
    named = {f"#/components/{kind}/{name}" for kind in COMPONENTS for name in COMPONENTS[kind]}

    assert used | {"#/components/securitySchemes/XboxToken"} == named


def test_no_two_apis_describe_the_same_name():
    for kind in ("parameters", "responses", "schemas", "securitySchemes"):
        together = openapi.document(APIS)["components"].get(kind, ())
        assert len(together) == sum(len(api.openapi["components"].get(kind, ())) for api in APIS)
    assert len(openapi.document(APIS)["paths"]) == sum(len(api.openapi["paths"]) for api in APIS)


def test_paths_are_those_of_the_routes():
    """`{slash:/?}` is described once for all paths; any other part of a pattern is a parameter."""
    routes = {
        (re.sub(r"{(\w+):[^}]*}", r"{\1}", route.path.removesuffix("{slash:/?}")), route.method.lower())
        for route in API.routes
    }

    assert {(path, method) for path, methods in API.openapi["paths"].items() for method in methods} == routes


@pytest.mark.parametrize("path", READ)
def test_path_parameters_are_described(path):
    assert list(parameters(path, "path")) == re.findall(r"{(\w+)}", path)


def test_exactly_the_query_parameters_that_are_read_are_described(monkeypatch):
    """The names are recorded while an empty query is parsed."""
    names = []

    class Noting(dict):
        def get(self, name, default=None):
            names.append(name)
            return super().get(name, default)

    monkeypatch.setattr(list_request, "parameters", lambda _: Noting())
    list_request.parse_list_query("&" * 1000, own_title=None)  # too long to be remembered

    assert sorted(names) == sorted(name.lower() for name in parameters(LIST, "query"))


@pytest.mark.parametrize("name", [name for name in parameters(LIST, "query") if name != "continuationToken"])
def test_described_values_are_those_that_are_accepted(name):
    """Each bound of a range and each word is accepted, values just outside are not."""
    schema = parameters(LIST, "query")[name]["schema"]
    each = schema.get("items", schema)
    if each["type"] == "integer":
        inside, outside = (each["minimum"], each["maximum"]), (each["minimum"] - 1, each["maximum"] + 1)
    else:
        inside, outside = each.get("enum", ("true", "false")), ("", "neither")

    for value in inside:
        list_request.parse_list_query(f"{name}={value}", own_title=None)
    for value in outside:
        with pytest.raises(InvalidParameter):
            list_request.parse_list_query(f"{name}={value}", own_title=None)


@pytest.mark.parametrize("offset", ["", "0", "9" * 19, "9" * 20, "-1"])
def test_described_offsets_are_those_that_are_accepted(offset):
    pattern = parameters(LIST, "query")["continuationToken"]["schema"]["pattern"]

    is_offset = list_request.parse_list_query(f"continuationToken={offset}", own_title=None).token is None

    assert is_offset == (re.search(pattern, offset) is not None)


def test_enums_and_defaults_are_those_of_the_code():
    described = {name: parameter["schema"] for name, parameter in parameters(LIST, "query").items()}

    assert [word.lower() for word in described["orderBy"]["enum"]] == list(list_request._ORDERS)
    assert tuple(described["types"]["items"]["enum"]) == get_args(Kind)
    assert described["maxItems"]["default"] == list_request.parse_list_query("", own_title=None).count
    assert described["titleId"]["maxItems"] == list_request.MAX_TITLES
    assert parameters(LIST, "header")["x-xbl-contract-version"]["schema"]["enum"] == [
        str(version) for version in CONTRACT_VERSIONS
    ]


def test_error_schema_lists_the_codes_of_all_errors():
    codes = {*errors._CODES.values(), errors._INTERNAL_ERROR}

    assert set(COMPONENTS["schemas"]["XboxError"]["properties"]["code"]["enum"]) == codes


@pytest.mark.parametrize("path", READ)
async def test_examples_work_with_the_demo(client, pool, services, path):
    """A request made of the document's examples gets a non-empty list from the demo."""
    await demo.load(pool)
    await services.snapshots.refresh()
    url, sent = path, {"header": {}, "query": {}}
    for parameter in map(resolved, PATHS[path]["get"]["parameters"]):
        if "example" not in parameter:
            continue
        text = ",".join(map(str, parameter["example"])) if parameter["name"] == "titleId" else str(parameter["example"])
        if parameter["in"] == "path":
            url = url.replace(f"{{{parameter['name']}}}", text)
        else:
            sent[parameter["in"]][parameter["name"]] = text

    response = await client.get(
        url, params=sent["query"], headers=sent["header"] | {"Authorization": authorization(PLAYER)}
    )

    body = await response.json()
    hold(path, response, body)
    assert body.get("achievements") or body.get("titles")


async def test_document_is_public_and_conditional(client):
    """It needs no credential, and a current copy gets a 304."""
    response = await client.get("/openapi.json")
    again = await client.get("/openapi.json", headers={"If-None-Match": response.headers["ETag"]})
    written = await client.post("/openapi.json")

    assert (await response.json()) == msgspec.json.decode(msgspec.json.encode(openapi.document(APIS)))
    assert (response.status, response.content_type) == (200, "application/json")
    assert (again.status, await again.read()) == (304, b"")
    assert (written.status, written.headers["Allow"]) == (405, "GET, HEAD")
