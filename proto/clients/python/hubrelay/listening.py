"""A subscription of the application, without the way to wait for its events, which each client adds."""

from .names import Name
from .queues import EventQueue


class Listener:
    """Some channels and patterns, and the queue where their messages go. Both clients' subscriptions are Listeners."""

    def __init__(self, queue: EventQueue) -> None:
        self.queue = queue
        self.names: list[Name] = []
        self.is_counted = False  #: It counts in the Core's `listeners`, for which the socket is read.
        self.is_closed = False
