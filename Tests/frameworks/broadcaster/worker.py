"""An app server of Starlette under uvicorn, with rooms as support/rooms.py describes them.

    worker.py BACKEND SOCKET      BACKEND: hubrelay:///path/of/a/relay, or redis://... for broadcaster's own backend
"""
import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator

import uvicorn
from broadcaster import Broadcast
from servers import say
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

import hubrelay
from hubrelay.broadcaster import HubrelayBackend


def tell_gap(gap: hubrelay.Gap) -> str:
    say("gap", reasons=gap.reasons)
    return "GAP"


async def tell_status(status: hubrelay.Status) -> str:
    say("status", state=status.state.name)
    return f"STATE {status.state.name}"


def tell_loss(loss: hubrelay.Loss) -> None:
    say("loss", messages=loss.messages, reason=loss.reason)


def broadcast_for(url: str) -> Broadcast:
    if url.startswith("redis:"):
        return Broadcast(url)
    return Broadcast(backend=HubrelayBackend(url, on_gap=tell_gap, on_status=tell_status, on_loss=tell_loss,
                                             gap_jitter=float(os.environ.get("GAP_JITTER", "0.1"))))


async def hear(socket: WebSocket) -> None:
    async with broadcast.subscribe(socket.path_params["room"]) as subscriber:
        await socket.accept()

        async def deliver() -> None:
            async for event in subscriber:
                await socket.send_text(event.message)

        delivering = asyncio.create_task(deliver())
        while (await socket.receive())["type"] != "websocket.disconnect":
            pass
        delivering.cancel()


async def speak(request: Request) -> PlainTextResponse:
    try:
        await broadcast.publish(request.path_params["room"], (await request.body()).decode())
    except Exception as error:
        return PlainTextResponse(type(error).__name__, 503)
    return PlainTextResponse("published")


@contextlib.asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    async with broadcast:
        yield


if __name__ == "__main__":
    logging.basicConfig(format="%(name)s: %(message)s", level=logging.INFO)
    backend, path = sys.argv[1:]
    broadcast = broadcast_for(backend)
    app = Starlette(routes=[WebSocketRoute("/rooms/{room}", hear), Route("/rooms/{room}", speak, methods=["POST"])],
                    lifespan=lifespan)
    uvicorn.run(app, uds=path, log_config=None, access_log=False, ws="websockets-sansio")
