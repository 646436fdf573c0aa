"""hubrelay: the backplane of real-time servers, from Python.

AsyncClient is for asyncio; Client is for threads, gevent and eventlet. Both have the same API. `hubrelay.testing` has a
relay in memory, for the tests of applications.
"""
from .asyncio_client import AsyncClient
from .asyncio_streams import EventStream, Subscription
from .blocking_client import Client
from .blocking_streams import BlockingEventStream, BlockingSubscription
from .errors import (Closed, Congested, HubrelayError, Interrupted, Invalid, Limit, NotConnected, Refused, Unknown)
from .frames import Cause, Gap, Loss, Message, Outcome, Revoked, State, Status
from .options import Counters, Hooks, Options
from .version import __version__

__all__ = ["AsyncClient", "BlockingEventStream", "BlockingSubscription", "Cause", "Client", "Closed", "Congested",
           "Counters", "EventStream", "Gap", "Hooks", "HubrelayError", "Interrupted", "Invalid", "Limit", "Loss",
           "Message", "NotConnected", "Options", "Outcome", "Refused", "Revoked", "State", "Status", "Subscription",
           "Unknown", "__version__"]
