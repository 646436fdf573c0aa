"""`hubrelay reload` ends when the relay has told what came of it, as `systemctl reload` needs it."""
import json
import os
import socket
import subprocess
import tempfile
import threading
import unittest

from harness import PATIENCE, TIMINGS, Process, Redis, binary, free_port


class ReloadTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.redis = Redis(directory.name)
        self.addCleanup(self.redis.stop)
        self.password = f"{self.directory}/password"
        self.write("secret")

    def write(self, text):
        with open(self.password, "w", encoding="utf-8") as file:
            file.write(text)

    def start(self, http, prefix=(), pass_fds=()):
        settings = {"--socket": f"{self.directory}/relay.sock", "--prefix": "t:", "--redis": self.redis.url,
                    "--redis-password-file": self.password, "--http": http, **TIMINGS}
        process = Process(*prefix, binary(), "serve", *(word for setting in settings.items() for word in setting),
                          ready="listening", pass_fds=pass_fds)
        self.addCleanup(process.kill)
        return process

    def reload(self, http, **environment):
        """The exit code, and what it says."""
        done = subprocess.run([binary(), "reload", "--http", http, "--timeout", f"{PATIENCE}s"], check=False, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=2 * PATIENCE,
                              env={**os.environ, **environment})
        return done.returncode, done.stdout

    def check_outcomes(self, http, **environment):
        self.assertEqual(self.reload(http, **environment), (0, "reloaded\n"))
        os.unlink(self.password)
        code, text = self.reload(http, **environment)
        self.assertEqual((code, "not reloaded" in text, self.password in text), (1, True, True), text)
        self.write("")
        self.assertIn("it is empty", self.reload(http, **environment)[1])
        self.write("another secret")
        self.assertEqual(self.reload(http, **environment), (0, "reloaded\n"))

    def test_it_fails_when_the_reload_fails(self):
        http = f"unix:{self.directory}/http.sock"
        relay = self.start(http)
        self.check_outcomes(http)
        self.assertNotIn("secret", relay.output.replace("the secret file", ""))

    def test_by_tcp_the_socket_says_which_process_it_is(self):
        http = f"127.0.0.1:{free_port()}"
        self.start(http)
        self.check_outcomes(http)

    def test_with_a_socket_of_the_service_manager_it_says_which_process_it_is(self):
        http = f"127.0.0.1:{free_port()}"
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(f"{self.directory}/relay.sock")
            listening.listen()
            number = listening.fileno()
            relay = self.start(http, pass_fds=(number,), prefix=[
                "bash", "-c", 'exec 3<&"$0"; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"', str(number)])
            code, text = self.reload(http)
            self.assertEqual((code, "does not listen at" in text), (1, True), text)
            self.check_outcomes(http, MAINPID=str(relay.pid))

    def test_a_process_that_only_claims_to_be_the_relay_gets_no_signal(self):
        victim = subprocess.Popen(["sleep", "1000"])
        self.addCleanup(victim.wait)
        self.addCleanup(victim.kill)
        with socket.socket() as server:
            server.bind(("127.0.0.1", free_port()))
            server.listen()
            body = json.dumps({"relay_id": "x", "pid": victim.pid, "status": "up", "reload": {"count": 0},
                               "socket": {"path": f"{self.directory}/redis.sock"}})

            def answer():
                with server.accept()[0] as connection:
                    connection.recv(4096)
                    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                    connection.sendall((head + body).encode())

            answering = threading.Thread(target=answer)
            answering.start()
            code, text = self.reload(f"127.0.0.1:{server.getsockname()[1]}")
            answering.join(PATIENCE)
        self.assertEqual((code, "does not listen at" in text), (1, True), text)
        self.assertIsNone(victim.poll())

    def test_without_http_it_says_what_to_do_instead(self):
        code, text = self.reload("off")
        self.assertEqual((code, "SIGHUP" in text), (1, True), text)


if __name__ == "__main__":
    unittest.main()
