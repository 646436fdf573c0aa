"""A chat of Django Channels, as its tutorial builds one, with a layer of hubrelay's or of channels_redis.

    python chat.py PATH_OR_URL daphne PORT           # a server
    python chat.py PATH_OR_URL runworker CHANNEL...  # a worker

The layer is hubrelay's for the path of a relay's socket, and channels_redis' for the URL of a Redis.
"""
import os
import sys

from harness import PATIENCE
from servers import say

if __name__ == "__main__":
    say("starting")  # what follows takes long on a busy machine

import django
from asgiref.sync import async_to_sync
from channels.consumer import AsyncConsumer
from channels.generic.websocket import AsyncJsonWebsocketConsumer, JsonWebsocketConsumer
from channels.layers import get_channel_layer
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import JsonResponse
from django.urls import path

import hubrelay

#: On a busy machine the next relay may be slow to answer. Gaps need not be spread in time here. For measurements
#: CHAT_DEFAULTS is set.
PATIENT = {} if "CHAT_DEFAULTS" in os.environ else {
    "gap_jitter": 0, "successor": PATIENCE, "drain": PATIENCE, "first_use": PATIENCE}

NOTICES = {"on_gap": "hubrelay.gap", "on_disconnect": "hubrelay.disconnect", "on_reconnect": "hubrelay.reconnect"}


def channel_layers(address):
    """CHANNEL_LAYERS for the path of a relay's socket, or the URL of a Redis."""
    if "://" in address:
        return {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [address]}}}
    return {"default": {"BACKEND": "hubrelay.channels.HubrelayChannelLayer", "CONFIG": {
        "path": address, **NOTICES, "hubrelay_options": PATIENT}}}


class Chat(AsyncJsonWebsocketConsumer):
    """One WebSocket in one room, asynchronous."""

    async def connect(self):
        self.room = self.scope["url_route"]["kwargs"]["room"]
        await self.channel_layer.group_add(self.room, self.channel_name)
        await self.accept()
        await self.send_json({"channel": self.channel_name})

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.room, self.channel_name)

    async def receive_json(self, content):
        message = {"type": "chat.message", "text": content["text"]}
        try:
            if "to" in content:
                await self.channel_layer.send(content["to"], message)
            else:
                await self.channel_layer.group_send(self.room, message)
        except Exception as error:  # hubrelay's, or redis-py's
            await self.send_json({"refused": type(error).__name__, "text": content["text"]})

    async def chat_message(self, event):
        await self.send_json({"text": event["text"]})

    async def hubrelay_gap(self, event):
        await self.send_json({"gap": event["reasons"]})

    async def hubrelay_disconnect(self, event):
        await self.send_json({"state": "disconnect"})

    async def hubrelay_reconnect(self, event):
        await self.send_json({"state": "reconnect"})


class SyncChat(JsonWebsocketConsumer):
    """The same, synchronous. It is told nothing of outages, and is in no room that they concern."""

    def connect(self):
        self.room = self.scope["url_route"]["kwargs"]["room"]
        async_to_sync(self.channel_layer.group_add)(self.room, self.channel_name)
        self.accept()
        self.send_json({"channel": self.channel_name})

    def disconnect(self, code):
        async_to_sync(self.channel_layer.group_discard)(self.room, self.channel_name)

    def receive_json(self, content):
        async_to_sync(self.channel_layer.group_send)(self.room, {"type": "chat.message", "text": content["text"]})

    def chat_message(self, event):
        self.send_json({"text": event["text"]})


class Thumbnails(AsyncConsumer):
    """What a worker does."""

    async def thumbnails_make(self, message):
        say("made", number=message["number"])


def publish(request, how, room, text):
    """A synchronous view that publishes."""
    layer, message = get_channel_layer(), {"type": "chat.message", "text": text}
    try:
        if how == "group_send_sync":
            layer.group_send_sync(room, message)
        else:
            async_to_sync(layer.group_send)(room, message)
    except hubrelay.HubrelayError as error:
        return JsonResponse({"refused": str(error)}, status=503)
    return JsonResponse({"published": text})


if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, SECRET_KEY="chat", ALLOWED_HOSTS=["*"], CHANNEL_LAYERS=channel_layers(
        os.environ["CHAT_LAYER"] if __name__ != "__main__" else sys.argv[1]),
        INSTALLED_APPS=["channels"], ASGI_APPLICATION="chat.application", LOGGING_CONFIG=None)
    django.setup()

urlpatterns = [path("publish/<how>/<room>/<text>", publish)]
application = ProtocolTypeRouter({
    "http": get_asgi_application(),
    "websocket": URLRouter([path("sync/<room>", SyncChat.as_asgi()), path("<room>", Chat.as_asgi())]),
    "channel": ChannelNameRouter({"thumbnails": Thumbnails.as_asgi()}),
})

if __name__ == "__main__":
    os.environ["CHAT_LAYER"] = sys.argv[1]
    if sys.argv[2] == "daphne":
        from daphne.cli import CommandLineInterface
        say("imported")
        CommandLineInterface().run(["--bind", "127.0.0.1", "--port", sys.argv[3], "chat:application"])
    else:
        from django.core.management import execute_from_command_line
        execute_from_command_line(["chat.py", "runworker", *sys.argv[3:], "--verbosity", "2"])
