"""Sockets to a relay, and texts for their failures."""
import errno
import os
import select
import socket
import stat

#: The most bytes in one read. A larger buffer would exceed the size from which malloc maps and unmaps memory for each
#: read.
READ_BYTES = 64 * 1024


def connect(path: str) -> socket.socket:
    """A connected, non-blocking socket. Raises OSError; its text has the path, and what to check."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)  # close-on-exec, like all of Python's sockets
    try:
        client.setblocking(False)
        client.connect(path)  # a Unix socket connects at once, or fails
        return client
    except OSError as error:
        client.close()
        raise OSError(error.errno, _explained(path, error)) from None
    except BaseException:
        client.close()
        raise


def _explained(path: str, error: OSError) -> str:
    text = f"{path}: {error.strerror or error}"
    if error.errno == errno.EACCES:
        groups = ",".join(map(str, sorted(os.getgroups())))
        text += f" for uid {os.geteuid()}, groups {groups}"
        try:
            info = os.stat(path)
            text += f"; the socket belongs to {info.st_uid}:{info.st_gid}, mode {stat.S_IMODE(info.st_mode):04o}"
        except OSError:
            text += "; a directory on the way to it cannot be entered"
    elif error.errno == errno.EAGAIN:
        text += " (the relay accepts no connections at present)"
    return text


def why_not_connected(error: Exception) -> str:
    """The exception of a connector, as a text for people."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def why_ended(error: OSError) -> str:
    """The failure of a connection, as a text for people."""
    return f"the connection has failed: {error.strerror or error}"


def has_hung_up(connected: socket.socket) -> bool:
    """Whether the other side has closed the connection, even if bytes from before that are unread."""
    if not hasattr(select, "poll"):  # a monkey patch has removed it
        return False
    poll = select.poll()
    poll.register(connected.fileno(), 0)
    return any(event & select.POLLHUP for _, event in poll.poll(0))
