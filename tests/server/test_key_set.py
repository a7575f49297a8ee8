"""`LAUREL_JWKS_URL`: no process takes requests before it has keys, and an issuer that is away refuses nobody."""

import os
import signal
import time

import aiohttp
import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from service.core.auth import tokens
from tests.factories import PLAYER
from tests.server.conftest import eventually, readiness, worker_of

PRIVATE = ec.generate_private_key(ec.SECP256R1())


class Issuer:
    """An issuer's server that can be away."""

    def __init__(self) -> None:
        self.is_away = False
        self.url = ""

    async def handle(self, _request: web.Request) -> web.Response:
        """The key set, with one key."""
        if self.is_away:
            return web.Response(status=503)
        return web.json_response({"keys": [ECAlgorithm.to_jwk(PRIVATE.public_key(), as_dict=True) | {"kid": "first"}]})


@pytest.fixture
async def issuer():
    made = Issuer()
    app = web.Application()
    app.router.add_get("/keys", made.handle)
    async with TestServer(app) as server:
        made.url = str(server.make_url("/keys"))
        yield made


async def test_worker_takes_no_requests_before_it_has_keys(serve, issuer, tmp_path):
    """A worker that starts while the issuer is away takes the keys of the others; without those, it waits."""
    service = await serve("--workers", 2, LAUREL_JWT_SECRET=None, LAUREL_JWKS_URL=issuer.url, LAUREL_DATA=str(tmp_path))
    worker = await eventually(lambda: worker_of(service.second_ops))
    issuer.is_away = True

    async def is_replaced() -> bool:
        return await worker_of(service.second_ops) not in (0, worker) and await readiness(service.second_ops) == (
            200,
            "ready",
        )

    os.kill(worker, signal.SIGKILL)
    await eventually(is_replaced)

    async def is_starting() -> bool:
        return await readiness(service.second_ops) == (503, "starting")

    (tmp_path / "key-set").unlink()
    os.kill(await worker_of(service.second_ops), signal.SIGKILL)
    await eventually(is_starting)
    assert [await answer(service.url, "first") for _ in range(20)] == [(200, None)] * 20
    status, retry_after = await answer(service.url, "second")
    assert status == 503
    assert int(retry_after) >= 1
    issuer.is_away = False

    async def is_ready() -> bool:
        return await readiness(service.second_ops) == (200, "ready")

    await eventually(is_ready)


async def answer(url: str, kid: str) -> tuple[int, str | None]:
    """Status and Retry-After of a player's request with a token that names this key."""
    claims = tokens.claims_for(PLAYER, issuer="laurel", audience="laurel", now=int(time.time()))
    token = jwt.encode(claims, PRIVATE, algorithm="ES256", headers={"kid": kid})
    headers = {"Authorization": f"XBL3.0 x=*;{token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{url}/users/xuid({PLAYER})/achievements", headers=headers) as response,
    ):
        return response.status, response.headers.get("Retry-After")
