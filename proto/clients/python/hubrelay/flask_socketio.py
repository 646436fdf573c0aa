"""Flask-SocketIO's SocketIO, which also accepts the scheme `hubrelay:` in `message_queue`.

    from hubrelay.flask_socketio import SocketIO     # instead of: from flask_socketio import SocketIO
    socketio = SocketIO(app, message_queue="hubrelay:///run/hubrelay/hubrelay.sock")

This class is needed because Flask-SocketIO has a fixed list of schemes, and passes every other URL to Kombu
(https://flask-socketio.readthedocs.io/en/latest/deployment.html#emitting-from-an-external-process).
"""
from typing import Any

try:
    import flask_socketio
except ImportError as error:
    raise ImportError("hubrelay.flask_socketio needs Flask-SocketIO: pip install flask-socketio",
                      name=error.name) from error

from .addresses import SCHEME
from .socketio import HubrelayManager

__all__ = ["SocketIO"]

_MANAGER_ARGUMENTS = ("raise_errors", "on_status", "on_gap", "on_loss", "on_publish_error", "hubrelay_options")


class SocketIO(flask_socketio.SocketIO):
    """A flask_socketio.SocketIO that makes a HubrelayManager if `message_queue` is `hubrelay:///path`.

    The hooks and options of HubrelayManager may also be given here and to `init_app`. With no such queue, as in tests,
    they are ignored. As with any message queue, the `channel` is "flask-socketio" by default, and without an `app` the
    object can only emit. `manager` is the HubrelayManager.
    """

    def __init__(self, app: Any = None, **kwargs: Any) -> None:
        self._manager_arguments: dict[str, Any] = {}
        super().__init__(app, **kwargs)

    @property
    def manager(self) -> Any:
        """The client manager; None before `init_app`."""
        return self.server.manager if self.server else None

    def init_app(self, app: Any, **kwargs: Any) -> None:
        """Works like Flask-SocketIO's method. Raises ValueError for a wrong URL."""
        for given in (self.server_options, kwargs):
            self._manager_arguments.update({name: given.pop(name) for name in _MANAGER_ARGUMENTS if name in given})
        settings = {**self.server_options, **kwargs}
        url = settings.get("message_queue")
        if isinstance(url, str) and url.startswith(SCHEME + ":") and "client_manager" not in kwargs:
            self.server_options.pop("channel", None)
            settings["client_manager"] = HubrelayManager(
                url, channel=settings.pop("channel", "flask-socketio"), write_only=app is None,
                **self._manager_arguments)
            kwargs = settings
        super().init_app(app, **kwargs)
