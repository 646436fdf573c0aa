"""The faults: what each does to the servers, and what it may cost."""
import dataclasses
import signal
import time
import typing

from runner.session import QUICK

from .audit import Allows

_NOTHING = Allows()
_BREAK = Allows(failures=frozenset({"NOT_CONNECTED", "INTERRUPTED"}), losses="any", gap="must")
# Where a relay stops in order, nothing becomes unknown: there may be no relay for a moment, or one without a Redis yet.
_PAUSE = Allows(failures=frozenset({"NOT_CONNECTED"}), losses="certain", gap="may",
                reorder=True, told_doubles=True)

# Settings of the clients: PLAIN ones have the times of their own, besides delays that only make a test long. PATIENT
# ones find a hung relay soon, and wait for a successor for so long that a busy machine does not decide what happens.
PLAIN = dict(QUICK)
PATIENT = QUICK | {"successor_ms": 5000, "ping_owed_ms": 1000, "ping_idle_ms": 2000, "ping_timeout_ms": 1000,
                   "handshake_ms": 2000}


@dataclasses.dataclass(frozen=True)
class Fault:
    """`play` is called with a World under load, and returns when the fault is over."""
    id: str
    text: str
    play: typing.Callable
    allows: Allows
    settings: str = "plain"   # of the clients: plain or patient
    times: int = 1            # in a quick run
    slow_times: int = 3


def steady(world):
    world.settle(0.7)


def _pause(server_of, seconds):
    def play(world):
        server_of(world).signal(signal.SIGSTOP)
        world.settle(seconds)
        server_of(world).signal(signal.SIGCONT)
    return play


def _relay_hangs(world):
    world.relay.signal(signal.SIGSTOP)
    world.wait(lambda: not any(worker.status.connected for worker in world.drivers),
               "both clients to leave a hung relay")
    world.relay.signal(signal.SIGCONT)


def _redis_hangs(world):
    world.redis.signal(signal.SIGSTOP)
    world.wait(lambda: not any(worker.status.receiving for worker in world.drivers),
               "both clients to tell of a hung Redis")
    world.redis.signal(signal.SIGCONT)


def _relay_killed(world):
    world.relay.signal(signal.SIGSTOP)  # so that there are publishes which it has not answered
    world.settle(0.1)
    world.relay.kill()
    world.settle(0.3)
    world.start_relay(world.relay_path).wait_ready()


def _redis_killed(world):
    world.redis.signal(signal.SIGSTOP)
    world.books.ended_redis_at.append(time.monotonic())
    world.settle(0.1)
    world.redis.kill()
    world.settle(0.3)
    world.start_redis()


def _redis_restarted(world):
    world.redis.signal(signal.SIGTERM)
    world.redis.wait_end()
    world.start_redis()


def _overlapping(world):
    """The next relay is UP, and at the path, before the former one is told to stop."""
    former, path = world.relay, world.new_relay_path()
    following = world.start_relay(path)
    following.wait_line("state=up")
    world.lead_to(path)
    former.signal(signal.SIGTERM)
    former.wait_end()


def _overlapping_owed(world):
    """The same while Redis hangs, so that the former relay owes Replies."""
    former, path = world.relay, world.new_relay_path()
    world.start_relay(path).wait_line("state=up")
    world.redis.signal(signal.SIGSTOP)
    world.settle(0.1)
    world.lead_to(path)
    former.signal(signal.SIGTERM)
    world.settle(0.4)
    world.redis.signal(signal.SIGCONT)
    former.wait_end()


def taken_over(world):
    """The next relay takes the path over: it is UP before it asks the former one to stop."""
    former = world.relay
    following = world.start_relay(world.relay_path, "--take-over")
    following.wait_line("listening")
    former.wait_end()


def _at_once(world):
    """The next relay is started in the moment in which the former one is told to stop, and takes its path."""
    former = world.relay
    former.signal(signal.SIGTERM)
    _start_until_it_serves(world)
    former.wait_end()


def _one_after_the_other(world):
    world.relay.signal(signal.SIGTERM)
    world.relay.wait_end()
    world.start_relay(world.relay_path).wait_ready()


def _one_after_the_other_owed(world):
    world.redis.signal(signal.SIGSTOP)
    world.settle(0.1)
    world.relay.signal(signal.SIGTERM)
    world.settle(0.6)
    world.redis.signal(signal.SIGCONT)
    world.relay.wait_end()
    world.start_relay(world.relay_path).wait_ready()


def _start_until_it_serves(world):
    """As a service manager does: a relay ends at once while another one has the path."""
    while True:
        relay = world.start_relay(world.relay_path)
        world.wait(lambda: relay.is_ready or relay.is_over, f"{relay.title} to start")
        if relay.is_ready:
            return


def _again_and_again(world):
    for turn in range(6):
        if turn % 2:
            world.relay.signal(signal.SIGTERM)
        else:
            world.relay.kill()
        world.settle(0.05 * turn)
        _start_until_it_serves(world)


def _held(world):
    """The apps take no events, until more has come than the relay and the client keep."""
    for worker in world.drivers:
        worker.call("hold").expect("OK")
    rate, world.load.plain.size, world.load.plain.rate = world.load.plain.rate, 48_000, 250
    world.settle(2)
    world.load.plain.size, world.load.plain.rate = 0, rate
    world.settle(0.2)
    for worker in world.drivers:
        worker.call("release").expect("OK")


def _redis(world):
    return world.redis


def _relay(world):
    return world.relay


def all_faults():
    """In the order in which they are played."""
    return [
        Fault("steady", "nothing happens", steady, _NOTHING),
        Fault("relay-pause", "the relay hangs for 1 s", _pause(_relay, 1), _NOTHING),
        Fault("redis-pause", "Redis hangs for 0.7 s", _pause(_redis, 0.7), _NOTHING),
        Fault("hold", "the apps take no events under load",  _held, Allows(gap="may", is_exact=True)),
        Fault("relay-kill", "the relay is killed, and started again", _relay_killed, _BREAK),
        Fault("redis-kill", "Redis is killed, and started again", _redis_killed, _BREAK),
        Fault("redis-restart", "Redis is stopped, and started again", _redis_restarted, _BREAK),
        Fault("redis-hang", "Redis hangs until it is found", _redis_hangs, _BREAK),
        Fault("again", "the relay is killed and restarted six times in a row", _again_and_again,
              dataclasses.replace(_BREAK, reorder=True, told_doubles=True)),
        Fault("at-once", "the relay is replaced by one that is started when it is told to stop", _at_once,
              _PAUSE, slow_times=30),
        Fault("after", "the relay is stopped, and the next one started when it has ended", _one_after_the_other,
              dataclasses.replace(_PAUSE, gap="must"), slow_times=30),
        Fault("after-owed", "the relay is stopped and started while Redis hangs, so that it owes Replies",
              _one_after_the_other_owed, dataclasses.replace(_PAUSE, gap="must")),
        Fault("overlap", "the relay is replaced by one that is there before", _overlapping, _NOTHING, "patient",
              times=3, slow_times=10),
        Fault("overlap-owed", "the relay is replaced by one that is there before, while Redis hangs", _overlapping_owed,
              _NOTHING, "patient"),
        Fault("take-over", "the relay is replaced by one that takes its socket over", taken_over, _NOTHING, "patient",
              times=3, slow_times=10),
        Fault("relay-hang", "the relay hangs until it is found", _relay_hangs, _BREAK, "patient"),
        Fault("overlap-default", "the relay is replaced by one that is there before; the client's own times",
              _overlapping, Allows(gap="may", reorder=True, told_doubles=True), times=0, slow_times=100),
    ]
