"""A pytest plugin: Litestar's own tests of channels, from a checkout, with hubrelay in the place of its pub/sub backend
of Redis. They need nothing else of the checkout, and neither a Redis with streams nor Postgres."""
import sys
import types
from unittest.mock import AsyncMock, MagicMock

import litestar.channels.backends.redis
import pytest
from servers import Fleet

from hubrelay.litestar import HubrelayChannelsBackend

for name, kind in (("asyncpg", "AsyncPgChannelsBackend"), ("psycopg", "PsycoPgChannelsBackend")):
    module = types.ModuleType(f"litestar.channels.backends.{name}")
    setattr(module, kind, MagicMock)
    sys.modules[module.__name__] = module

fleet = Fleet(relays=1)
litestar.channels.backends.redis.RedisChannelsPubSubBackend = lambda redis: HubrelayChannelsBackend(fleet.url())


def pytest_configure(config):
    for marker in ("xdist_group", "flaky", "timeout"):
        config.addinivalue_line("markers", f"{marker}: of upstream's")


def pytest_unconfigure(config):
    fleet.close()


@pytest.fixture
def redis_client():
    return None


@pytest.fixture
def mock():
    return MagicMock()


@pytest.fixture
def async_mock():
    return AsyncMock()
