"""A driver's process: lines to it and from it, without waiting."""
import os
import selectors
import signal
import subprocess
import tempfile


class Process:
    """`on_line` is called with each line of its standard output, `on_end` at the end of that."""

    def __init__(self, session, command, on_line, on_end):
        self._session, self._on_line, self._on_end = session, on_line, on_end
        self._in, self._out = bytearray(), bytearray()
        self._is_writing = False
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
                                         start_new_session=True, bufsize=0)
        for pipe in (self._process.stdin, self._process.stdout):
            os.set_blocking(pipe.fileno(), False)
        session.watch(self._process.stdout, selectors.EVENT_READ, 0, self._read)

    def _read(self, _):
        try:
            data = os.read(self._process.stdout.fileno(), 1 << 18)
        except BlockingIOError:
            return
        if not data:
            self._session.watch(self._process.stdout, 0, selectors.EVENT_READ, self._read)
            self._on_end()
            return
        self._in += data
        *whole, self._in = self._in.split(b"\n")
        for line in whole:
            self._on_line(line.decode("utf-8", "replace"))

    def write(self, data=b""):
        """Adds to what goes to its standard input."""
        self._out += data
        try:
            while self._out:
                del self._out[:os.write(self._process.stdin.fileno(), self._out[:1 << 16])]
        except BlockingIOError:
            pass
        except BrokenPipeError:
            self._out.clear()
        if self._is_writing != bool(self._out):
            mask = selectors.EVENT_WRITE if self._out else 0
            self._session.watch(self._process.stdin, mask, selectors.EVENT_WRITE - mask, self._writable)
            self._is_writing = bool(self._out)

    def _writable(self, _):
        self.write()

    @property
    def is_running(self):
        return self._process.poll() is None

    def end_text(self):
        """How it has ended."""
        try:
            return f"exit code {self._process.wait(5)}"
        except subprocess.TimeoutExpired:
            return "or its standard output at least"

    def errors(self):
        """The last lines that it wrote to its standard error, for people."""
        self._errors.seek(0)
        text = self._errors.read().decode("utf-8", "replace").strip()
        return "\n  standard error: " + "\n    ".join(text.splitlines()[-15:]) if text else ""

    def signal(self, number):
        """To it and what it has started."""
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:
            pass

    def kill(self):
        if self._is_writing:
            self._session.watch(self._process.stdin, 0, selectors.EVENT_WRITE, self._writable)
        self.signal(signal.SIGKILL)
        self._process.wait()
        for each in (self._process.stdin, self._process.stdout, self._errors):
            each.close()
