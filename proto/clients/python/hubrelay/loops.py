"""A client of asyncio for each event loop, for frameworks whose objects are used from several loops."""
import asyncio
from typing import Callable

from .asyncio_client import AsyncClient


class LoopClients:
    """Gives each running loop a client of its own, made by `make` at the loop's first use.

    Loops of several threads may use it. A script that calls `asyncio.run` again and again, or `async_to_sync`, has a
    new loop each time. The clients of loops that are closed are dropped when another loop comes.
    """

    def __init__(self, make: Callable[[], AsyncClient]) -> None:
        self._make = make
        self._spares: list[AsyncClient] = [make()]  # so that wrong arguments fail here
        self._clients: dict[asyncio.AbstractEventLoop, AsyncClient] = {}

    def here(self) -> AsyncClient:
        """The running loop's client. Raises RuntimeError where no loop runs."""
        loop = asyncio.get_running_loop()
        client = self._clients.get(loop)
        if client is None:
            for closed in [each for each in list(self._clients) if each.is_closed()]:
                ended = self._clients.pop(closed, None)  # None: another thread has seen it, too
                if ended is not None:
                    ended._forked()  # closes its sockets, which no loop watches any more
            try:
                client = self._spares.pop()
            except IndexError:
                client = self._make()
            self._clients[loop] = client
        return client
