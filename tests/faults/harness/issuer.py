"""An issuer of tokens, whose key set can be away, slow or broken, or hold other keys."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Literal

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from service.core.auth import tokens

Mode = Literal["serve", "away", "slow", "broken"]

_SLOW_SECONDS = 30.0


class Issuer:
    """Signs tokens and serves its key set at `url`; `requests` counts how often that was asked for."""

    def __init__(self) -> None:
        self.mode: Mode = "serve"
        self.requests = 0
        self.url = ""
        self._asked = asyncio.Event()
        self._keys: dict[str, ec.EllipticCurvePrivateKey] = {}

    def add_key(self, kid: str) -> None:
        """Add a key to the set."""
        self._keys[kid] = ec.generate_private_key(ec.SECP256R1())

    def authorization(self, player: str, kid: str) -> str:
        """An Authorization header for a player, signed with a key of the set, or with one of nobody."""
        claims = tokens.claims_for(player, issuer="laurel", audience="laurel", now=int(time.time()))
        key = self._keys.get(kid) or ec.generate_private_key(ec.SECP256R1())
        token = jwt.encode(claims, key, algorithm="ES256", headers={"kid": kid})
        return tokens.authorization(token, user_hash=claims["xui"][0]["uhs"])

    async def arrives_after(self, *, failures: int) -> None:
        """Serve the keys after so many requests in vain."""
        for _ in range(failures):
            self._asked.clear()
            await self._asked.wait()
        self.mode = "serve"

    async def handle(self, _request: web.Request) -> web.Response:
        """The key set, or what `mode` says."""
        self.requests += 1
        self._asked.set()
        match self.mode:
            case "away":
                return web.Response(status=503)
            case "slow":
                await asyncio.sleep(_SLOW_SECONDS)
            case "broken":
                return web.Response(body=b'{"keys": [{"kty": "EC", "x": 1}, "\xff')
            case "serve":
                pass
        keys = [ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid} for kid, key in self._keys.items()]
        return web.Response(body=json.dumps({"keys": keys}).encode())


@contextlib.asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    """A running issuer with the key `first`."""
    made = Issuer()
    made.add_key("first")
    app = web.Application()
    app.router.add_get("/keys", made.handle)
    async with TestServer(app, shutdown_timeout=0.1) as server:
        made.url = str(server.make_url("/keys"))
        yield made
