"""A client under test: where its driver is."""
import os
import subprocess
import tempfile

from . import lines

_BUILD_SECONDS = 900


class NoDriver(Exception):
    """No client can be tested with this path. The text says why."""


class Client:
    """`path` is a folder with an executable `conformance`, or a driver; `@publisher` behind it names the profile.
    Starts the driver once, which builds it if need be. Raises NoDriver."""

    def __init__(self, path):
        path, _, self.profile = path.partition("@")
        if self.profile not in ("", "publisher"):
            raise NoDriver(f"no profile {self.profile}: there is publisher, and none")
        executable = os.path.join(path, "conformance") if os.path.isdir(path) else path
        if not os.access(executable, os.X_OK) or os.path.isdir(executable):
            raise NoDriver(f"{executable} is no executable file")
        self.command = [os.path.abspath(executable)]
        self.title = _title(os.path.abspath(executable)) + (f"@{self.profile}" if self.profile else "")
        self.capabilities = self._first_line()

    def _first_line(self):
        with tempfile.TemporaryFile() as errors:
            try:
                done = subprocess.run(self.command, input=b"quit\n", stdout=subprocess.PIPE, stderr=errors,
                                      timeout=_BUILD_SECONDS, check=False)
            except subprocess.TimeoutExpired:
                raise NoDriver(f"{self.command[0]} did not end within {_BUILD_SECONDS} s of `quit`") from None
            errors.seek(0)
            text = errors.read().decode("utf-8", "replace")
        words = done.stdout.decode("utf-8", "replace").partition("\n")[0].split(" ")
        if words[:2] != ["driver", "1"] or len(words) < 4:
            raise NoDriver(f"{self.command[0]}: the first line is not `driver 1 LANGUAGE CLIENT CAPABILITY...`, but "
                           f"{' '.join(words)[:200]!r}\n{text[-2000:]}")
        self.language, self.name = lines.unquote(words[2]), lines.unquote(words[3])
        return set(words[4:])


def _title(executable):
    """python for python/conformance, python-blocking for python/conformance-blocking."""
    folder, name = os.path.split(executable)
    return os.path.basename(folder) + name.removeprefix("conformance")
