"""hubrelay: the backplane of real-time servers, from Python.

AsyncClient is for asyncio, Client for threads, gevent and eventlet. Both have the same surface.
"""
from .asyncio_client import AsyncClient, EventStream, Subscription
from .blocking_client import BlockingEventStream, BlockingSubscription, Client
from .errors import (Closed, Congested, HubrelayError, Interrupted, Invalid, Limit, NotConnected, Refused, Unknown)
from .frames import Cause, Gap, Loss, Message, Outcome, Revoked, State, Status
from .options import Counters, Hooks, Options

__version__ = "0.1.0"
