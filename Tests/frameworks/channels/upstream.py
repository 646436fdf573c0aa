"""A plugin of pytest under which the tests of channels_redis for its pub/sub layer meet hubrelay's, on servers of their
own: a relay on a Redis, or with TESTED_SENTINELS on three servers and three sentinels.

Those tests know where Redis is, and end its connections by names of channels_redis' own. Here both are the relay's.
"""
import os
import socket
import sys
import tempfile
import types

import harness
import sentinels
from servers import Fleet

from hubrelay.channels import HubrelayChannelLayer

directory = tempfile.TemporaryDirectory(prefix="hubrelay-")


class Sentinels:
    """A relay on sentinels, in the place of a Fleet."""

    def __init__(self):
        self.group = sentinels.Group(directory.name, 1000)
        self.group.mend()
        self.relays = [harness.Relay(self.group, directory.name, {"--prefix": ""})]

    def close(self):
        self.relays[0].kill()
        self.group.close()


fleet = Sentinels() if os.environ.get("TESTED_SENTINELS") else Fleet(1)


class Layer(HubrelayChannelLayer):
    """What the tests say of Redis is of no concern here."""

    def __init__(self, hosts):
        super().__init__(fleet.relays[0].path)

    @property
    def _shards(self):
        return [types.SimpleNamespace(_redis=self._get_layer().client)]


async def close_redis(client):
    """Ends the connection, which was not asked for."""
    for connected in client._sockets.values():
        connected.shutdown(socket.SHUT_RDWR)


def stand_in(name, **values):
    """A module of this name that has these."""
    module = sys.modules[name] = types.ModuleType(name)
    vars(module).update(values)
    return module


stand_in("channels_redis", pubsub=stand_in("channels_redis.pubsub", RedisPubSubChannelLayer=Layer),
         utils=stand_in("channels_redis.utils", _close_redis=close_redis))


def pytest_sessionfinish():
    """The servers end with the tests."""
    fleet.close()
    directory.cleanup()
