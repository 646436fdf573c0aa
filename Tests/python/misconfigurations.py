"""Settings that are wrong, and the lines that `hubrelay check` prints: the table, how a case is tried, and the page
deploy/configuration-errors.md, which is made of both.

    python3 Tests/python/misconfigurations.py     writes the page again
"""
import contextlib
import dataclasses
import os
import pathlib
import shlex
import socket
import subprocess
import tempfile

from harness import PATIENCE, ROOT, binary

PAGE = ROOT / "deploy" / "configuration-errors.md"
#: What stands in the page for the folder of a test.
FOLDER = "/srv/example"
#: What is right, and is left as it is where a case does not say otherwise.
USUAL = {"HUBRELAY_PREFIX": "chat:", "HUBRELAY_SOCKET": "{dir}/relay.sock", "HUBRELAY_HTTP": "off"}
#: Starts a command as the user nobody, who is in no other group.
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
HEAD = """\
# Settings that are wrong

`hubrelay check` prints these lines, with exit code 64. `hubrelay serve` ends with the same code, except for a password
file, which it reads at each attempt to connect. If the settings themselves are wrong, it prints the same lines. Each
line has the setting, first as it was given, by variable or by flag; its value, in which passwords are `***`; and what
is allowed. All errors are reported at once.

Unless a case says otherwise, `HUBRELAY_PREFIX` is `chat:`, `HUBRELAY_SOCKET` is `/srv/example/relay.sock`, and
`HUBRELAY_HTTP` is `off`. The folder `/srv/example` exists. All cases were run by root, except those of other users.
This page is made by `Tests/python/misconfigurations.py`, and `Tests/python/test_misconfigurations.py` checks it.
"""


@dataclasses.dataclass
class Case:
    """Variables (None: not set) and arguments that are wrong. `place` makes what has to be there, in the folder that it
    is given; `wrapper` are the words before the command; `note` says for people what is there."""
    variables: dict = dataclasses.field(default_factory=dict)
    arguments: tuple = ()
    place: object = None
    wrapper: tuple = ()
    note: str = ""


def flags(*words, **more):
    return Case(arguments=words, **more)


def variables(place=None, wrapper=(), note="", **given):
    return Case({f"HUBRELAY_{name}": value for name, value in given.items()}, place=place, wrapper=wrapper, note=note)


# ---- places -----------------------------------------------------------------------------------------------------

def file_at(name, content="", mode=0o644):
    def make(folder):
        (folder / name).write_text(content)
        (folder / name).chmod(mode)
    return make


def folder_at(name, mode=0o755):
    def make(folder):
        (folder / name).mkdir()
        (folder / name).chmod(mode)
    return make


def link_at(name):
    return lambda folder: (folder / name).symlink_to("elsewhere")


def hard_link_at(name):
    def make(folder):
        (folder / "precious").write_text("precious")
        os.link(folder / "precious", folder / name)
    return make


def pipe_at(name):
    return lambda folder: os.mkfifo(folder / name)


def listener_at(name):
    """A program that listens."""
    def make(folder):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / name))
        listener.listen()
        return listener
    return make


def foreign_at(name):
    """A file of another user's."""
    def make(folder):
        (folder / name).touch()
        os.chown(folder / name, 65534, 65534)
    return make


READ_ONLY = ("unshare", "--mount", "sh", "-c",
             'mount -t tmpfs -o ro none "$0" && exec "$@"', "{dir}/read-only")


# ---- the table --------------------------------------------------------------------------------------------------

CASES = {
    "The prefix": [
        variables(PREFIX=None),
        variables(PREFIX=""),
        variables(PREFIX='"chat:"'),
        variables(PREFIX="'chat:'"),
        variables(PREFIX="chat: # the app's"),
        variables(PREFIX="chat: "),
        variables(PREFIX="my chat:"),
        variables(PREFIX="chat:\r"),
        variables(PREFIX="\ufeffchat:"),
        variables(PREFIX="chat:", PREFIX_NONE="true"),
        variables(PREFIX=None, PREFIX_NONE="none"),
        variables(PREFIX="x" * 513),
        variables(PREFIX=None, REDIS="redis.example,channelPrefix="),
        variables(PREFIX=None, REDIS="redis.example,channelPrefix=My App"),
        flags("--prefix", "chat:\t"),
    ],
    "Variables": [
        variables(PREFIKS="chat:"),
        variables(REDIS_URL="redis://redis.example"),
        variables(REDIS_PASSWORT="a secret"),
        variables(PORT="8379"),
        variables(COUNT="1"),
        variables(WINDOW=""),
        variables(SOCKET=""),
        variables(REDIS=""),
        variables(REDIS_PASSWORD=""),
        variables(ALLOW_UNKNOWN="on", PREFIKS="chat:"),
        variables(PREFIX=None, WINDOW="4MB", SOKET="/run/chat.sock", LOG_LEVEL="loud"),
    ],
    "Sizes, numbers and times": [
        variables(WINDOW="4MB"),
        variables(MAX_PAYLOAD="64MiB"),
        variables(MAX_BUFFERED="0"),
        variables(MAX_CONNECTIONS="ten"),
        variables(MAX_CONNECTIONS="0"),
        variables(MAX_SUBSCRIPTIONS="-1"),
        variables(RESTORE_BATCH="1e3"),
        variables(STOP_TIMEOUT="10 s"),
        variables(STOP_TIMEOUT="2h"),
        variables(LINK_TIMEOUT="500ms"),
        variables(HEARTBEAT_INTERVAL="5s"),
        variables(PROBE="never"),
        variables(BACKOFF_MIN="1s"),
        flags("--connect-timeout", "1ms"),
    ],
    "Words": [
        variables(LOG_LEVEL="INFO"),
        variables(LOG_FORMAT="xml"),
        variables(ABORT_CONNECT="maybe"),
        variables(REDIS_CLIENT_NAME="my relay"),
    ],
    "Who may connect": [
        variables(SOCKET_MODE="rw"),
        variables(SOCKET_MODE="01777"),
        variables(SOCKET_MODE="u=rw"),
        variables(SOCKET_GROUP="no-such-group"),
        variables(SOCKET_GROUP="my group"),
        variables(SOCKET_GROUP="4294967295"),
        variables(SOCKET_GROUP="daemon", wrapper=NOBODY, note="By user nobody, who is not in that group."),
        variables(ALLOW_UID="www-data"),
        flags("--allow-gid", "1;2"),
    ],
    "The socket": [
        variables(SOCKET="@chat"),
        variables(SOCKET="/run/" + "x" * 120),
        variables(SOCKET="{dir}/missing/relay.sock"),
        variables(SOCKET="{dir}/file/relay.sock", place=file_at("file"), note="`file` is a file."),
        variables(SOCKET="{dir}/"),
        variables(SOCKET="{dir}/relay.sock", place=file_at("relay.sock"), note="It is a file."),
        variables(SOCKET="{dir}/relay.sock", place=folder_at("relay.sock"), note="It is a directory."),
        variables(SOCKET="{dir}/relay.sock", place=link_at("relay.sock"), note="It is a symbolic link."),
        variables(SOCKET="{dir}/relay.sock", place=pipe_at("relay.sock"), note="It is a FIFO."),
        variables(SOCKET="{dir}/relay.sock", place=listener_at("relay.sock"), note="Another program listens there."),
        variables(SOCKET="{dir}/relay.sock", place=hard_link_at("relay.sock.lock"),
                  note="Its lock file is a hard link."),
        variables(SOCKET="{dir}/relay.sock", place=folder_at("relay.sock.lock"), note="Its lock file is a directory."),
        variables(SOCKET="{dir}/relay.sock", place=foreign_at("relay.sock.lock"),
                  note="Its lock file is user nobody's."),
        variables(SOCKET="{dir}/relay.sock", wrapper=NOBODY, note="By user nobody, who may not write there."),
        variables(SOCKET="{dir}/closed/relay.sock", place=folder_at("closed", 0o700), wrapper=NOBODY,
                  note="By user nobody, who may not look into `closed`."),
        variables(SOCKET="{dir}/read-only/relay.sock", place=folder_at("read-only"), wrapper=READ_ONLY,
                  note="`read-only` is a file system that is mounted so."),
        variables(SOCKET='"{dir}/relay.sock"', note="With quotes in the value."),
    ],
    "HTTP": [
        variables(HTTP="8379"),
        variables(HTTP=":8379"),
        variables(HTTP="localhost"),
        variables(HTTP="relay.example:8379"),
        variables(HTTP="::1:8379"),
        variables(HTTP="127.0.0.1:0"),
        variables(HTTP="127.0.0.1:http"),
        variables(HTTP="http://127.0.0.1:8379"),
        variables(HTTP="unix:"),
        variables(HTTP="unix:{dir}/relay.sock"),
        variables(HTTP="unix:{dir}/missing/http.sock"),
        variables(HTTP_HOST="relay.example:8379"),
    ],
    "Where Redis is": [
        variables(REDIS="redis.example:port"),
        variables(REDIS="redis://redis.example:99999"),
        variables(REDIS="http://redis.example"),
        variables(REDIS='"redis://redis.example"'),
        variables(REDIS="redis://"),
        variables(REDIS="redis://user:pass/word@redis.example"),
        variables(REDIS="redis://redis.example?timeout=5"),
        variables(REDIS="redis://256.0.0.1"),
        variables(REDIS="redis://fd00::1:6379"),
        variables(REDIS="unix://redis.sock"),
        variables(REDIS="redis-sentinel://sentinel.example"),
        variables(REDIS="redis-cluster://redis.example"),
        variables(REDIS="redis-cluster://redis.example/3", CLUSTER_PUBSUB="sharded"),
        variables(REDIS="redis-cluster://redis.example", CLUSTER_PUBSUB="Sharded"),
        variables(REDIS="redis://redis.example", CLUSTER_PUBSUB="sharded"),
        variables(REDIS="redis.example,password=a secret,ssl=maybe"),
        variables(REDIS="redis.example,passwrd=a secret"),
        variables(REDIS="redis.example:6379,proxy=Twemproxy"),
        variables(REDIS="redis.example:6379,$PUBLISH=PUB"),
    ],
    "Users and passwords": [
        variables(REDIS="redis://relay@redis.example"),
        variables(REDIS_USER="relay"),
        variables(REDIS="redis://:a-secret@redis.example", REDIS_PASSWORD="another"),
        variables(REDIS_PASSWORD="a secret", REDIS_PASSWORD_FILE="{dir}/password"),
        variables(REDIS_PASSWORD_FILE="a-secret"),
        variables(REDIS_PASSWORD_FILE="{dir}/password"),
        variables(REDIS_PASSWORD_FILE="{dir}/password", place=file_at("password"), note="It is empty."),
        variables(REDIS_PASSWORD_FILE="{dir}"),
        variables(REDIS_PASSWORD_FILE="{dir}/password", SOCKET="{dir}/open/relay.sock",
                  place=lambda folder: (file_at("password", "secret", 0o600)(folder), folder_at("open", 0o777)(folder)),
                  wrapper=NOBODY, note="By user nobody; the file is root's, mode 0600."),
        variables(SENTINEL_USER="relay"),
        variables(REDIS="redis-sentinel://sentinel.example/main", SENTINEL_USER="relay"),
    ],
    "TLS": [
        variables(REDIS_CA="{dir}/ca.pem"),
        variables(REDIS="rediss://redis.example", REDIS_CA="{dir}/ca.pem"),
        variables(REDIS="rediss://redis.example", REDIS_CA="{dir}/ca.pem", place=file_at("ca.pem", "no PEM\n"),
                  note="It is there, and no PEM."),
        variables(REDIS="rediss://redis.example", REDIS_CERT="{dir}/relay.pem"),
        variables(REDIS="rediss://redis.example", REDIS_KEY="{dir}/relay.key"),
        variables(REDIS="rediss://redis.example", REDIS_TLS_NAME="a b"),
        variables(REDIS="rediss://redis.example", REDIS_TLS_INSECURE="on"),
        variables(REDIS="rediss://redis.example", REDIS_TLS_INSECURE="true",
                  REDIS_CA="/etc/ssl/certs/ca-certificates.crt"),
    ],
}


# ---- trying -----------------------------------------------------------------------------------------------------

def can_be_tried(case):
    """Whether this host lets the case be tried: other users and mounts take root, and a binary that they can reach."""
    if not case.wrapper:
        return True
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder).chmod(0o755)
        (pathlib.Path(folder) / "read-only").mkdir()
        words = [word.format(dir=folder) for word in case.wrapper]
        done = subprocess.run([*words, "test", "-x", binary()], stderr=subprocess.DEVNULL, timeout=PATIENCE,
                              check=False)
        return done.returncode == 0


def lines_of(case):
    """(exit code, lines) of `hubrelay check`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUBRELAY_")}
    with tempfile.TemporaryDirectory(prefix="hubrelay-") as folder, contextlib.ExitStack() as stack:
        path = pathlib.Path(folder)
        path.chmod(0o755)
        made = case.place(path) if case.place else None
        if isinstance(made, socket.socket):
            stack.enter_context(made)
        settings = {**USUAL, **case.variables}
        given = {name: value.format(dir=folder) for name, value in settings.items() if value is not None}
        words = [word.format(dir=folder) for word in case.wrapper]
        done = subprocess.run([*words, binary(), "check", *case.arguments], env={**inherited, **given},
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        if case.note and (path / "closed").is_dir():
            (path / "closed").chmod(0o755)
    return done.returncode, done.stderr.replace(folder, FOLDER).splitlines()


# ---- the page ---------------------------------------------------------------------------------------------------

def shown(text):
    """A value as in a shell, with what is invisible escaped, and cut."""
    text = text.replace("{dir}", FOLDER)
    if len(text) > 60:
        text = f"{text[:20]}...({len(text)} characters)"
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return shlex.quote(text) if escaped == text else f"$'{escaped}'"


def title(case):
    parts = [f"{name} not set" if value is None else f"{name}={shown(value)}" for name, value in case.variables.items()]
    if case.arguments:
        parts.append(" ".join(shown(word) for word in case.arguments))
    return ", ".join(f"`{part}`" for part in parts)


def section(case, lines):
    note = f" {case.note}" if case.note else ""
    return f"{title(case)}{':' if not note else '.'}{note}\n\n" + "".join(f"    {line}\n" for line in lines) + "\n"


def page(results):
    """The page, from the lines of each case."""
    count = sum(len(cases) for cases in CASES.values())
    text = HEAD + f"There are {count} cases.\n\n"
    for name, cases in CASES.items():
        text += f"## {name}\n\n" + "".join(section(case, results[id(case)]) for case in cases)
    return text.rstrip("\n") + "\n"


def main():
    results = {}
    for case in (case for cases in CASES.values() for case in cases):
        code, results[id(case)] = lines_of(case)
        if code != 64:
            raise SystemExit(f"{title(case)}: exit code {code}: {results[id(case)]}")
    PAGE.write_text(page(results))


if __name__ == "__main__":
    main()
