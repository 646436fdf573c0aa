"""A pytest plugin: broadcaster's own tests, from a checkout, with hubrelay in the place of each of its backends: the
same conversation is tested with all of them."""
import sys
import types

from broadcaster import Broadcast
from servers import Fleet

from hubrelay.broadcaster import HubrelayBackend

fleet = Fleet(relays=1)
create = Broadcast._create_backend
OWN = ("memory:", "redis:", "redis-stream:", "postgres:", "kafka:")


def backend(*_, **__):
    return HubrelayBackend(fleet.url())


Broadcast._create_backend = lambda self, url: backend() if url.startswith(OWN) else create(self, url)
kafka = sys.modules["broadcaster._backends.kafka"] = types.ModuleType("broadcaster._backends.kafka")
vars(kafka)["KafkaBackend"] = backend


def pytest_unconfigure(config):
    fleet.close()
