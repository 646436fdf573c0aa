"""An asyncio client for each event loop, for frameworks that use one object from several loops."""
import asyncio
from typing import Callable

from .asyncio_client import AsyncClient


class LoopClients:
    """Gives each running loop its own client, made by `make` at the loop's first use.

    Loops in several threads may use it. A script that calls `asyncio.run`, or `async_to_sync`, several times has a new
    loop each time. The clients of closed loops are dropped when a new loop comes.
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
                ended = self._clients.pop(closed, None)  # None: another thread has dropped it
                if ended is not None:
                    ended._forked()  # closes its sockets, which no loop watches any more
            try:
                client = self._spares.pop()
            except IndexError:
                client = self._make()
            self._clients[loop] = client
        return client
