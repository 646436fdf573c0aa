"""Subscribers on a relay, by hubrelay's own clients and its adapters for frameworks.

  relayed.py NAME SETTINGS      the name of one below, and JSON: relay (its socket)
"""
import asyncio
import json
import sys
import threading
from typing import Any

import hubrelay
from report import arrived, told, watch

settings = json.loads(sys.argv[2])


def take(event):
    if isinstance(event, hubrelay.Message):
        arrived(event.payload)
    elif isinstance(event, hubrelay.Gap):
        told("event", f"Gap {', '.join(event.reasons)}")
    elif isinstance(event, hubrelay.Status) and event.state != hubrelay.State.UP:
        told("event", f"Status {event.state.name} {event.cause.name}")
    elif isinstance(event, (hubrelay.Loss, hubrelay.Revoked)):
        told("event", type(event).__name__)


def asyncio_client():
    async def read(stream):
        async for event in stream:
            take(event)

    async def main():
        async with hubrelay.AsyncClient(settings["relay"], name="asyncio") as client, \
                client.listen("numbers") as subscription:
            await asyncio.gather(read(client.events), read(subscription))
    asyncio.run(main())


def blocking_client():
    def read(stream):
        for event in stream:
            take(event)

    with hubrelay.Client(settings["relay"], name="blocking") as client, client.listen("numbers") as subscription:
        threading.Thread(target=read, args=(client.events,)).start()
        read(subscription)


# MARK: Adapters

def _manager(base: Any):
    class Manager(base):
        def _handle_emit(self, message):  # where a message of another process comes out of the manager
            arrived(message["data"][0])
            return super()._handle_emit(message)
    return Manager(f"hubrelay://{settings['relay']}", on_status=take, on_gap=take, on_loss=take)


def socketio_asyncio():
    import socketio
    from hubrelay.socketio import AsyncHubrelayManager

    async def main():
        server = socketio.AsyncServer(async_mode="asgi", client_manager=_manager(AsyncHubrelayManager))
        server.manager.initialize()
        await asyncio.Event().wait()
    asyncio.run(main())


def socketio_threads():
    import socketio
    from hubrelay.socketio import HubrelayManager
    server = socketio.Server(async_mode="threading", client_manager=_manager(HubrelayManager))
    server.manager.initialize()
    threading.Event().wait()


def channels():
    from hubrelay.channels import HubrelayChannelLayer, channel_layer_event

    def told_by_signal(sender, event, **_):
        take(event)

    async def main():
        channel_layer_event.connect(told_by_signal)
        layer = HubrelayChannelLayer(settings["relay"])
        channel = await layer.new_channel()
        await layer.group_add("numbers", channel)
        while True:
            arrived((await layer.receive(channel))["number"])
    asyncio.run(main())


if __name__ == "__main__":
    watch()
    globals()[sys.argv[1]]()
