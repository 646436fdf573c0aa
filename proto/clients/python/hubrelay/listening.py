"""A subscription of the application, without the way it is waited for: the clients add that."""

from .names import Name
from .queues import EventQueue


class Listener:
    """Some channels and patterns, and the queue where their messages go. Both clients' Subscription is one."""

    def __init__(self, queue: EventQueue) -> None:
        self.queue = queue
        self.names: list[Name] = []
        self.is_counted = False  #: It is one of those because of which the socket is read.
        self.is_closed = False
