"""A plugin of pytest under which upstream's own tests meet hubrelay's managers, on a relay and a Redis of their own.

python-socketio's tests of its managers make a PubSubManager, and put a mock in the place of `_publish`. Here they get
hubrelay's, and the mock publishes, too: what upstream's tests expect to be published goes through the relay to Redis.
Flask-SocketIO's tests get hubrelay's SocketIO with `message_queue`; its test client, which refuses every PubSubManager,
is made to take it.

TESTED_MODE is that of Flask-SocketIO: threading, gevent or eventlet.
"""
import logging
import os

mode = os.environ.get("TESTED_MODE", "threading")
if mode == "gevent":
    import gevent.monkey
    gevent.monkey.patch_all()
elif mode == "eventlet":
    import eventlet
    eventlet.monkey_patch()

from typing import Any  # noqa: E402  (what is patched comes first)
from unittest import mock  # noqa: E402

import flask_socketio  # noqa: E402
import flask_socketio.test_client  # noqa: E402
import redis  # noqa: E402
import socketio.async_pubsub_manager  # noqa: E402
import socketio.pubsub_manager  # noqa: E402
from servers import Fleet  # noqa: E402

import hubrelay.flask_socketio  # noqa: E402
from hubrelay.socketio import AsyncHubrelayManager, HubrelayManager  # noqa: E402

fleet = Fleet(1)
#: Redis' own word for what has reached it, and what has not.
heard = redis.Redis(unix_socket_path=fleet.redis.path).pubsub(ignore_subscribe_messages=True)
heard.psubscribe("*socketio*")
heard.get_message(timeout=30)
failures = []
MINE = {"on_publish_error": lambda error, message: failures.append((error, message))}


Mixin: Any = object  # a manager is its other base


class Publishing(Mixin):
    """A manager whose `_publish` really publishes, also where a test has put a mock there."""

    def __init__(self, *arguments, **named):
        super().__init__(fleet.url(), *arguments, **MINE, **named)

    def __setattr__(self, name, value):
        if name == "_publish" and isinstance(value, mock.Mock):
            value.side_effect = self._publish
        super().__setattr__(name, value)


class Manager(Publishing, HubrelayManager):
    pass


class AsyncManager(Publishing, AsyncHubrelayManager):
    pass


class SocketIO(hubrelay.flask_socketio.SocketIO):
    """Every server of a test is one of several."""

    def init_app(self, app, **kwargs):
        kwargs.setdefault("message_queue", fleet.url())
        kwargs.setdefault("async_mode", mode)
        if kwargs["message_queue"] == fleet.url():
            kwargs.update(MINE)
        super().init_app(app, **kwargs)
        assert self.async_mode == mode


socketio.pubsub_manager.PubSubManager = Manager
socketio.async_pubsub_manager.AsyncPubSubManager = AsyncManager
flask_socketio.SocketIO = SocketIO
flask_socketio.test_client.PubSubManager = type("Nothing", (), {})


def pytest_sessionfinish(session, exitstatus):
    """All that was published reached Redis."""
    del exitstatus
    reached = sum(1 for _ in iter(lambda: heard.get_message(timeout=0.2), None))
    logging.disable()  # from here on the managers are told of an outage
    fleet.close()
    if failures or not reached:
        session.exitstatus = 1
    print(f"\n{reached} messages of managers under test reached Redis, {len(failures)} did not {failures[:3] or ''}")
