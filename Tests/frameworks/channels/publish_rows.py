"""Prints what one publish costs a synchronous view under WSGI: a row for each way, by this layer and channels_redis'.

The message has 200 bytes. Times are those of the calling thread; the processor's time is that of the whole process.
"""
import time

from asgiref.sync import async_to_sync
from channels_redis.core import RedisChannelLayer
from channels_redis.pubsub import RedisPubSubChannelLayer
from servers import DEFAULT_TIMINGS, Fleet

import hubrelay
from hubrelay.channels import HubrelayChannelLayer

MESSAGE = {"type": "chat.message", "text": "x" * 200}
TIMES = 500


def row(name, publish):
    """One row, once Redis is reached."""
    ready = 0
    while ready < 20:
        try:
            publish("group", MESSAGE)
            ready += 1
        except hubrelay.NotConnected:
            pass
    took, cpu = [], time.process_time()
    for _ in range(TIMES):
        began = time.perf_counter()
        publish("group", MESSAGE)
        took.append((time.perf_counter() - began) * 1000)
    cpu, took = (time.process_time() - cpu) * 1000 / TIMES, sorted(took)
    print(f"| {name} | {took[TIMES // 2]:.2f} | {took[TIMES * 9 // 10]:.2f} | {cpu:.2f} |", flush=True)


print("| a publish from a synchronous view | median ms | 90 % ms | processor ms |\n|---|---:|---:|---:|")
with Fleet(1, DEFAULT_TIMINGS) as fleet:
    layer = HubrelayChannelLayer(fleet.relays[0].path)
    row("hubrelay, `group_send_sync`", layer.group_send_sync)
    row("hubrelay, `async_to_sync(group_send)`", async_to_sync(layer.group_send))
    for name, kind in (("pubsub", RedisPubSubChannelLayer), ("core", RedisChannelLayer)):
        row(f"channels_redis {name}, `async_to_sync(group_send)`",
            async_to_sync(kind(hosts=[fleet.redis.tcp_url]).group_send))
