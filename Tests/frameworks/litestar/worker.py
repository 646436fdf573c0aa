"""An app server of Litestar under uvicorn, with rooms as support/rooms.py describes them.

    worker.py BACKEND SOCKET      BACKEND: hubrelay:///path/of/a/relay, or redis://... for Litestar's own backend

`POST /rooms/ROOM` says the body by `wait_published`, `POST /rooms/ROOM?wait=0` by `publish`, which answers "taken".
"""
import logging
import os
import sys

import uvicorn
from litestar import Litestar, Request, Response, WebSocket, post, websocket
from litestar.channels import ChannelsBackend, ChannelsPlugin
from litestar.channels.backends.redis import RedisChannelsPubSubBackend
from redis.asyncio import Redis
from servers import say

import hubrelay
from hubrelay.litestar import HubrelayChannelsBackend


def tell_gap(gap: hubrelay.Gap) -> str:
    say("gap", reasons=gap.reasons)
    return "GAP"


def tell_status(status: hubrelay.Status) -> str:
    say("status", state=status.state.name)
    return f"STATE {status.state.name}"


def tell_not_published(error: Exception, channel: str, data: bytes) -> None:
    say("not published", error=type(error).__name__, channel=channel, text=data.decode())


def backend_for(url: str) -> ChannelsBackend:
    if url.startswith("redis:"):
        return RedisChannelsPubSubBackend(redis=Redis.from_url(url))
    return HubrelayChannelsBackend(url, on_gap=tell_gap, on_status=tell_status, on_publish_error=tell_not_published,
                                   gap_jitter=float(os.environ.get("GAP_JITTER", "0.1")))


@websocket("/rooms/{room:str}")
async def hear(socket: WebSocket, room: str, channels: ChannelsPlugin) -> None:
    async with channels.start_subscription(room) as subscriber:
        await socket.accept()
        async with subscriber.run_in_background(socket.send_text, join=False):
            while (await socket.receive())["type"] != "websocket.disconnect":
                pass


@post("/rooms/{room:str}")
async def speak(room: str, request: Request, channels: ChannelsPlugin, wait: bool = True) -> Response[str]:
    text = await request.body()
    if not wait:
        channels.publish(text, room)
        return Response("taken")
    try:
        await channels.wait_published(text, room)
    except Exception as error:
        return Response(type(error).__name__, status_code=503)
    return Response("published")


if __name__ == "__main__":
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.INFO)
    backend, path = sys.argv[1:]
    plugin = ChannelsPlugin(backend_for(backend), arbitrary_channels_allowed=True)
    uvicorn.run(Litestar([hear, speak], plugins=[plugin], logging_config=None), uds=path, log_config=None,
                access_log=False, ws="websockets-sansio")
