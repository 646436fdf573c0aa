"""Steps of a move from a relay that is STOPPING to its successor."""
from .. import codec
from ..failure import Failure

FENCE = "c:__hubrelay:fence:"
ABOUT_NAMES = {"subscribe", "unsubscribe"}


def stop(relay, connection, gaps=0):
    """The relay says STOPPING; it has left the path, or another one has taken it."""
    connection.inbox.clear()  # what came before the move is not looked at again
    relay.leave_path()
    connection.status(codec.STOPPING, publishing=True, receiving=True, cause=17, gaps=gaps)


def successor(s, **settings):
    """The next relay at the path; it leaves Subscribes and Unsubscribes to the scenario."""
    relay = s.relay(**settings)
    relay.answers -= ABOUT_NAMES
    return relay


def grant(*connections):
    """Answers all Subscribes and Unsubscribes that have come, in their order."""
    for connection in connections:
        for frame in list(connection.inbox):
            if frame.kind in ABOUT_NAMES and not frame.is_answered:
                connection.inbox.remove(frame)
                connection.reply(frame)


def wait_held(s, connection, names):
    """Answers Subscribes until these names are held."""
    s.wait(lambda: grant(connection) or names <= connection.held,
           lambda: f"{connection.title}: Subscribes to {sorted(names - connection.held)}, which the application has "
                   f"asked for; those that came were to {sorted(connection.held)}")


def fence_published(s, old, new, last=None):
    """Answers Subscribes on both until the client publishes to a fence, and returns its channel. `last` is the
    connection on which the fence comes into force after the other one."""
    if last:
        first = old if last is new else new
        for _ in range(50):  # one that asks for the fence on `last` first would wait for ever
            grant(first)
            s.settle(0.01)
            if any(name.startswith(FENCE) for name in first.held):
                break
        first.wait_until_read()
        s.settle(0.05)

    def published():
        channels = [frame.channel for each in (old, new) for frame in _to_fences(each)]
        for channel in channels:
            if any(f"c:{channel}" not in each.held for each in (old, new)):
                raise Failure(f"the client has published to its fence {channel} before that was in force on both")
        grant(old, new)
        return channels
    return s.wait(published, "the client to subscribe to a fence on both connections and to publish there")[0]


def _to_fences(connection):
    return connection.pending("publish", lambda frame: f"c:{frame.channel}".startswith(FENCE))


def published_fences(*connections):
    """How many publishes to fences have come."""
    return sum(len(_to_fences(each)) for each in connections)


def write_message(connection, payload):
    """A message on c:room or by p:user.*, in turn, once the client has read what was before."""
    if int(payload) % 2:
        connection.message("room", payload)
    else:
        connection.message("user.7", payload, "user.*")
    connection.wait_until_read()


def wait_left(s, connection, within=None):
    """Until the client has shut its writing side, or closed."""
    s.wait(lambda: connection.ended or connection.gone,
           f"{connection.title}: the client to leave the STOPPING relay in order", within)
