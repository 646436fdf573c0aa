"""Subscribers on the clients and backends that people use, written as their documentation has it.

  stock.py NAME SETTINGS      the name of one below, and JSON: address, sentinels, service
"""
import asyncio
import json
import logging
import sys
import threading
import time
from typing import Any

from report import arrived, told, watch

#: Names in Redis, see publisher.py.
CHANNEL, GROUP = "f:numbers", "numbers"

#: What people set so that dead connections are found. Of redis-py's other options for that, socket_timeout (5 s) and
#: socket_keepalive (30 s, then three times 5 s) are its defaults from version 8 on.
CHECKED = {"health_check_interval": 5}

settings = json.loads(sys.argv[2])
log = logging.getLogger("app")


def _server():
    return dict(zip(("host", "port"), settings["address"]))


def _url():
    return "redis://{}:{}/0".format(*settings["address"])


def _sentinels():
    return [tuple(each) for each in settings["sentinels"]]


# MARK: redis-py

def redis_client(**options):
    """As an app gets it: of the master that sentinels name where there are some."""
    import redis
    if settings["sentinels"]:
        return redis.Sentinel(_sentinels(), **options).master_for(settings["service"])
    return redis.Redis(**_server(), **options)


def asyncio_client(**options):
    import redis.asyncio
    if settings["sentinels"]:
        return redis.asyncio.Sentinel(_sentinels(), **options).master_for(settings["service"])
    return redis.asyncio.Redis(**_server(), **options)


def take(message):
    if message and message["type"] == "message":
        arrived(message["data"])


def redis_listen():
    def work():
        pubsub = redis_client().pubsub()
        pubsub.subscribe(CHANNEL)
        for message in pubsub.listen():
            take(message)
    _thread(work)


def redis_listen_again():
    def work():
        while True:
            try:
                pubsub = redis_client().pubsub()
                pubsub.subscribe(CHANNEL)
                for message in pubsub.listen():
                    take(message)
            except Exception as error:
                log.warning("Redis: %s", error)
                time.sleep(1)
    _thread(work)


def redis_run_in_thread():
    pubsub = redis_client().pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(**{CHANNEL: take})
    pubsub.run_in_thread(sleep_time=0.01)
    _for_ever()


def redis_run_in_thread_checked():
    def failed(error, pubsub, thread):
        log.warning("Redis: %s", error)
        time.sleep(1)
    pubsub = redis_client(**CHECKED).pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe(**{CHANNEL: take})
    pubsub.run_in_thread(sleep_time=0.01, exception_handler=failed)
    _for_ever()


async def _listen(client):
    pubsub = client.pubsub()
    await pubsub.subscribe(CHANNEL)
    async for message in pubsub.listen():
        take(message)


def redis_asyncio_listen():
    async def main():
        try:
            await _listen(asyncio_client())
        except Exception as error:  # told if the app awaits its listener; a task that nobody awaits ends without a word
            told("exception", f"{type(error).__name__}: {error}")
        await asyncio.Event().wait()
    asyncio.run(main())


def redis_asyncio_for_ever():
    import redis.backoff
    from redis.asyncio.retry import Retry

    async def main():
        await _listen(asyncio_client(retry=Retry(redis.backoff.ExponentialBackoff(cap=1, base=0.05), -1), **CHECKED))
    asyncio.run(main())


def redis_asyncio_checked():
    async def main():
        while True:
            try:
                pubsub = asyncio_client(**CHECKED).pubsub(ignore_subscribe_messages=True)
                await pubsub.subscribe(CHANNEL)
                while True:
                    take(await pubsub.get_message(timeout=1))
            except Exception as error:
                log.warning("Redis: %s", error)
                await asyncio.sleep(1)
    asyncio.run(main())


# MARK: python-socketio

def _manager(base: Any, options):
    class Manager(base):
        def _handle_emit(self, message):  # where a message of another process comes out of the manager
            arrived(message["data"][0])
            return super()._handle_emit(message)

    if settings["sentinels"]:
        hosts = ",".join(f"{host}:{port}" for host, port in _sentinels())
        return Manager(f"redis+sentinel://{hosts}/0/{settings['service']}", redis_options=options)
    return Manager(_url(), redis_options=options)


def socketio_asyncio(**options):
    import socketio

    async def main():
        server = socketio.AsyncServer(async_mode="asgi", client_manager=_manager(socketio.AsyncRedisManager, options))
        server.manager.initialize()
        await asyncio.Event().wait()
    asyncio.run(main())


def socketio_asyncio_checked():
    socketio_asyncio(**CHECKED)


def socketio_threads():
    import socketio
    server = socketio.Server(async_mode="threading", client_manager=_manager(socketio.RedisManager, {}))
    server.manager.initialize()
    _for_ever()


# MARK: Django Channels

def channels(**options):
    from channels_redis.pubsub import RedisPubSubChannelLayer

    async def main():
        host = {"sentinels": _sentinels(), "master_name": settings["service"]} if settings["sentinels"] \
            else {"address": _url()}
        layer = RedisPubSubChannelLayer(hosts=[{**host, **options}])
        channel = await layer.new_channel()
        await layer.group_add(GROUP, channel)
        while True:
            arrived((await layer.receive(channel))["number"])
    asyncio.run(main())


def channels_checked():
    channels(**CHECKED)


def _thread(work):
    threading.Thread(target=work).start()
    _for_ever()


def _for_ever():
    threading.Event().wait()


if __name__ == "__main__":
    watch()
    globals()[sys.argv[1]]()
