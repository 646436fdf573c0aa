"""A Redis and a relay of the benchmark's own, in a directory of its own."""
import os
import socket
import subprocess
import threading

#: Seconds to wait for anything. A busy machine is slow.
PATIENCE = 30


class Server:
    """A process that is up once it has printed a line with `ready` in it. Raises RuntimeError if it ends before."""

    def __init__(self, arguments, ready, log):
        self._log = open(log, "wb")
        self._process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT)
        for line in self._process.stdout:
            self._log.write(line)
            if ready in line:
                break
        else:
            self._process.wait()
            self._log.close()
            raise RuntimeError(f"{arguments[0]} does not start:\n{open(log, errors='replace').read()}")
        # What it says later is kept, too, or the pipe would be full one day.
        self._reader = threading.Thread(target=lambda: self._log.writelines(self._process.stdout), daemon=True)
        self._reader.start()

    def stop(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._log.close()


class Servers:
    """Both. `redis` is the address that Redis clients are given, `relay` the path that hubrelay's clients are given."""

    def __init__(self, directory, binary, redis_by_path):
        self.redis_path = os.path.join(directory, "redis.sock")
        self.relay = os.path.join(directory, "relay.sock")
        port = _free_port()
        self.redis = f"unix://{self.redis_path}" if redis_by_path else f"redis://127.0.0.1:{port}"
        self._running = []
        try:
            self._running.append(Server(
                ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--unixsocket", self.redis_path,
                 "--save", "", "--appendonly", "no", "--daemonize", "no", "--logfile", "",
                 "--client-output-buffer-limit", "pubsub 0 0 0"],  # the runner reads now and then
                b"eady to accept connections", os.path.join(directory, "redis.log")))
            self._running.append(Server(
                [binary, "serve", "--socket", self.relay, "--redis", f"redis://127.0.0.1:{port}", "--prefix", "",
                 "--http", "off"], b"listening", os.path.join(directory, "relay.log")))
        except BaseException:
            self.stop()
            raise

    def stop(self):
        while self._running:
            self._running.pop().stop()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
