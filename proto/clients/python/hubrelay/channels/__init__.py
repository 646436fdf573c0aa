"""A channel layer for Django Channels (https://channels.readthedocs.io/en/latest/topics/channel_layers.html).

    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "hubrelay.channels.HubrelayChannelLayer",
            "CONFIG": {"path": "/run/hubrelay/hubrelay.sock"},
        },
    }

`docs/channels.md` of the package describes its behavior and what it reports to an application.
"""
try:
    from .layer import HubrelayChannelLayer
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] not in ("asgiref", "channels", "django"):
        raise
    raise ImportError("hubrelay.channels needs Django Channels 4 or newer: pip install 'channels>=4' msgpack",
                      name=error.name) from error
from .serializers import BaseMessageSerializer, registry
from .telling import channel_layer_event

__all__ = ["BaseMessageSerializer", "HubrelayChannelLayer", "channel_layer_event", "registry"]
