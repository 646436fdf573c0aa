"""The relays of deploy/kubernetes, deploy/compose and deploy/laptop, started with the very arguments and variables of
their manifests: paths are in a folder of the test, and Redis and HTTP have ports of their own. And the rules of
deploy/check."""
import copy
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from harness import PATIENCE, ROOT, Process, binary, free_port

sys.path.insert(0, str(ROOT / "deploy" / "check.d"))
sys.dont_write_bytecode = True

try:
    import manifests
    import rules
except ImportError as error:  # PyYAML is in another Python
    raise unittest.SkipTest(str(error)) from error

PASSWORD = "of the test/+="
COMPOSE = manifests.documents_of(manifests.COMPOSE_FILES[0])[0]
#: Where the image has HTTP, which compose files leave as it is.
IMAGE_HTTP = re.search(r"^ENV HUBRELAY_HTTP=(\S+)$", (manifests.DEPLOY / "Dockerfile").read_text(), re.M)[1]


def has_ipv6():
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            return False
    return True


HOSTS = ("127.0.0.1", "[::1]") if has_ipv6() else ("127.0.0.1",)


def fetch(url, body=None):
    """(status, text) of one request."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=PATIENCE) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def until(holds, what):
    """Asks again and again, as a kubelet does."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE} s for {what}")
        time.sleep(0.02)


class Place(unittest.TestCase):
    """A folder that stands for what containers have mounted, and the Redis of deploy/compose."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.password_file = self.folder / "password"
        self.password_file.write_text(PASSWORD + "\n")
        self.redis_port = free_port()

    def start(self, environment, *arguments, ready):
        settings = [f"{name}={value}" for name, value in environment.items()]
        unset = [word for name in os.environ if name.startswith("HUBRELAY_") for word in ("-u", name)]
        process = Process("env", *unset, *settings, *arguments, ready=ready)
        self.addCleanup(lambda: None if process.is_over else process.kill())
        return process

    def start_redis(self):
        shell, option, script = COMPOSE["services"]["redis"]["command"]
        script = self.local(script.replace("$$", "$")).replace(
            'save ""', f'save ""\nport {self.redis_port}\nbind 127.0.0.1')
        self.redis = self.start({}, shell, option, script, ready="eady to accept connections")

    def local(self, text):
        """A text of a manifest, with the paths of this test."""
        return re.sub(r"/etc/hubrelay/redis/password|/run/secrets/redis-password", str(self.password_file), text)

    def start_relay(self, relay, host="host"):
        """Starts a relay as its manifest says. Returns (process, variables, HTTP's port)."""
        (self.folder / host).mkdir(exist_ok=True)
        port = free_port()
        environment = {"HUBRELAY_HTTP": IMAGE_HTTP, "HUBRELAY_SOCKET": rules.SOCKET, **relay.environment}
        self.assertRegex(environment["HUBRELAY_HTTP"], r":8379$")
        self.assertRegex(environment["HUBRELAY_REDIS"], r"^redis://redis:6379$")
        environment["HUBRELAY_HTTP"] = environment["HUBRELAY_HTTP"].replace(":8379", f":{port}")
        environment["HUBRELAY_REDIS"] = f"redis://127.0.0.1:{self.redis_port}"
        # The laptop's Redis has no password, and the one of this test has.
        environment.setdefault("HUBRELAY_REDIS_PASSWORD_FILE", str(self.password_file))
        environment = {name: self.local(value.replace(rules.DIRECTORY, str(self.folder / host)))
                       for name, value in environment.items()}
        return self.start(environment, binary(), *relay.arguments, ready="listening"), environment, port

    def end(self, process):
        process.signal(signal.SIGTERM)
        self.assertEqual(process.wait(), 0, process.output)

    def run_to_end(self, environment, *arguments):
        """(exit code, output) of a command of a container."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUBRELAY_")}
        done = subprocess.run(arguments, env={**inherited, **environment}, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, check=False)
        return done.returncode, done.stdout


def relay_containers():
    """(kind, container) of each relay in Kubernetes."""
    return [(document["kind"], container) for _, document in manifests.resources() if manifests.pod_template(document)
            for container in manifests.containers_of(manifests.pod_template(document)["spec"])
            if manifests.is_relay(container)]


def as_relay(container):
    return manifests.RelayContainer(container["name"], container["args"], manifests.environment_of(container))


class RelaysOfManifests(Place):
    def test_every_relay_becomes_ready_on_its_probes(self):
        self.start_redis()
        self.assertEqual([kind for kind, _ in relay_containers()], ["DaemonSet", "Job", "Deployment"])
        for kind, container in relay_containers():
            with self.subTest(kind):
                process, _, port = self.start_relay(as_relay(container), kind)
                for name in ("startupProbe", "livenessProbe", "readinessProbe"):
                    if name in container:
                        path = container[name]["httpGet"]["path"]
                        for host in HOSTS:
                            until(lambda: fetch(f"http://{host}:{port}{path}")[0] == 200, f"{name} by {host}")
                until(lambda: fetch(f"http://127.0.0.1:{port}/health")[0] == 200, "the password of the Secret to do")
                self.assertIn("hubrelay_state", fetch(f"http://127.0.0.1:{port}/metrics")[1])
                self.assertNotIn(PASSWORD, process.output)
                self.end(process)

    def test_probes_do_not_depend_on_redis_but_where_that_is_said(self):
        for kind, container in relay_containers():
            process, _, port = self.start_relay(as_relay(container), kind)
            for name in ("startupProbe", "livenessProbe", "readinessProbe"):
                if name in container:
                    with self.subTest(kind=kind, probe=name):
                        path = container[name]["httpGet"]["path"]
                        wanted = 503 if (kind, name) == ("Job", "startupProbe") else 200
                        self.assertEqual(fetch(f"http://127.0.0.1:{port}{path}")[0], wanted)
            self.end(process)

    def test_every_relay_of_compose_is_healthy(self):
        self.start_redis()
        found = [relay for relay in manifests.relays() if "compose.yaml" in relay.name]
        self.assertEqual(len(found), 3)
        for number, relay in enumerate(found):
            with self.subTest(relay.name):
                process, environment, _ = self.start_relay(relay, f"host-{number}")
                self.assertEqual(self.run_to_end(environment, binary(), "health", "--live"), (0, "live\n"))
                until(lambda: self.run_to_end(environment, binary(), "health")[0] == 0, "the path through Redis")
                self.end(process)

    def test_the_relay_of_the_daemon_set_turns_others_away(self):
        self.start_redis()
        relay, = (relay for relay in manifests.relays() if "daemonset" in relay.name)
        user = relay.arguments[relay.arguments.index("--allow-uid") + 1]
        self.assertNotEqual(user, str(os.getuid()))
        process, environment, _ = self.start_relay(relay)
        code, said = self.run_to_end(environment, binary(), "publish", "a", "b")
        self.assertEqual((code, "not_allowed" in said), (1, True), said)
        self.end(process)

        mine = [str(os.getuid()) if word == user else word for word in relay.arguments]
        process, environment, port = self.start_relay(manifests.RelayContainer(relay.name, mine, relay.environment))
        until(lambda: fetch(f"http://127.0.0.1:{port}/health")[0] == 200, "the path through Redis")
        self.assertEqual(self.run_to_end(environment, binary(), "publish", "a", "b"), (0, "OK receivers=0\n"))
        self.assertEqual(oct(os.stat(environment["HUBRELAY_SOCKET"]).st_mode & 0o777), "0o666")
        self.end(process)

    def test_the_job_publishes_after_its_startup_probe_and_the_relay_ends_by_the_signal(self):
        document, = (document for _, document in manifests.resources() if document["kind"] == "Job")
        pod = manifests.pod_template(document)["spec"]
        sidecar, = pod["initContainers"]
        process, environment, port = self.start_relay(as_relay(sidecar))
        probe = f"http://127.0.0.1:{port}{sidecar['startupProbe']['httpGet']['path']}"
        self.assertEqual(fetch(probe)[0], 503)  # the Job waits for Redis
        self.start_redis()
        until(lambda: fetch(probe)[0] == 200, "the startup probe")
        container, = pod["containers"]
        own = {"HUBRELAY_SOCKET": environment["HUBRELAY_SOCKET"]}
        self.assertEqual(set(manifests.environment_of(container)), set(own))
        self.assertEqual(self.run_to_end(own, binary(), *container["args"]), (0, "OK receivers=0\n"))
        self.end(process)

    def test_flags_are_those_of_the_command(self):
        code, text = self.run_to_end({}, binary(), "serve", "--help")
        self.assertEqual(code, 0)
        shown = set(re.findall(r"^ +(--[a-z-]+)", text, re.M)) - {"--version", "--help"}
        self.assertEqual(shown, manifests.known_flags())


class ComposeHosts(Place):
    """deploy/compose as it is, as processes in place of containers."""

    def setUp(self):
        super().setUp()
        self.start_redis()
        self.ports = {}
        for name, service in COMPOSE["services"].items():
            if manifests.is_relay_service(service):
                self.start_relay(manifests.RelayContainer(name, ["serve"], service["environment"]), host=name)
        for name, service in COMPOSE["services"].items():
            if name.startswith("app-"):
                self.start_app(name, service)

    def start_app(self, name, service):
        host, = service["depends_on"]
        self.ports[name] = free_port()
        python, script = service["command"]
        mounts = {target: source for source, target, _ in rules.mounts_of(service)}
        environment = {variable: value.replace(rules.DIRECTORY, str(self.folder / host))
                       for variable, value in service["environment"].items()}
        folder = manifests.COMPOSE_FILES[0].parent
        environment |= {"PORT": self.ports[name], "PYTHONPATH": (folder / mounts["/app/hubrelay"]).resolve().parent}
        self.assertEqual(python, "python")
        self.start(environment, sys.executable, str(folder / mounts[script]), ready="listens")

    def url(self, app, path):
        return f"http://127.0.0.1:{self.ports[app]}{path}"

    def test_a_message_reaches_the_other_server_of_the_host_and_the_other_host(self):
        for app in self.ports:
            until(lambda app=app: json.loads(fetch(self.url(app, "/"))[1])["state"] == "UP", f"{app} to be UP")
        listeners = {app: urllib.request.urlopen(self.url(app, "/rooms/7"), timeout=PATIENCE)
                     for app in ("app-a2", "app-b1", "app-b2")}
        for app, stream in listeners.items():
            self.assertEqual(json.loads(stream.readline()), {"worker": app[-2:], "listens": "7"})
        status, text = fetch(self.url("app-a1", "/rooms/7"), b"hello")
        self.assertEqual((status, json.loads(text)), (200, {"receivers": 2}))  # two relays
        for stream in listeners.values():
            self.assertEqual(json.loads(stream.readline()), {"message": "hello"})
            stream.close()

    def test_a_publish_without_redis_fails_and_the_health_checks_do_not(self):
        self.redis.kill()
        until(lambda: json.loads(fetch(self.url("app-a1", "/"))[1])["state"] == "DOWN", "the outage to be told")
        status, text = fetch(self.url("app-a1", "/rooms/7"), b"hello")
        self.assertEqual((status, json.loads(text)["error"]), (503, "NotConnected"))
        for app in self.ports:
            python, option, code = COMPOSE["services"][app]["healthcheck"]["test"][1:]
            self.assertEqual(python, "python")
            code = code.replace(":8080", f":{self.ports[app]}")
            self.assertEqual(self.run_to_end({}, sys.executable, option, code), (0, ""))


def change(document, path, value):
    """The document with another value at a path of keys and numbers; without it for None."""
    changed = copy.deepcopy(document)
    place = changed
    for key in path[:-1]:
        place = place[key]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


POD = ("spec", "template", "spec")
SIDECAR = (*POD, "initContainers", 0)
APP = (*POD, "containers", 0)


class Rules(unittest.TestCase):
    """Each rule of deploy/check finds what it is there for."""

    faults = [
        ("sidecar/deployment.yaml", (*POD, "securityContext", "runAsNonRoot"), None, "runAsNonRoot"),
        ("sidecar/deployment.yaml", (*POD, "securityContext", "seccompProfile"), None, "seccompProfile"),
        ("sidecar/deployment.yaml", (*POD, "securityContext", "fsGroup"), None, "fsGroup"),
        ("sidecar/deployment.yaml", (*POD, "hostNetwork"), True, "hostNetwork"),
        ("sidecar/deployment.yaml", (*POD, "volumes", 0), {"name": "hubrelay", "hostPath": {"path": "/x"}},
         "is a hostPath"),
        ("sidecar/deployment.yaml", (*SIDECAR, "securityContext", "capabilities"), {"drop": ["NET_RAW"]},
         "capabilities"),
        ("sidecar/deployment.yaml", (*SIDECAR, "securityContext", "readOnlyRootFilesystem"), False,
         "readOnlyRootFilesystem"),
        ("sidecar/deployment.yaml", (*SIDECAR, "securityContext", "allowPrivilegeEscalation"), None, "allowPrivilege"),
        ("sidecar/deployment.yaml", (*SIDECAR, "securityContext", "runAsUser"), 1000, "the image's"),
        ("sidecar/deployment.yaml", (*SIDECAR, "restartPolicy"), None, "native sidecar"),
        ("sidecar/deployment.yaml", (*SIDECAR, "args"), ["serve", "--allow-user", "1"], "no flag"),
        ("sidecar/deployment.yaml", (*SIDECAR, "env", 0, "name"), "HUBRELAY_PREFIKS", "no variable"),
        ("sidecar/deployment.yaml", (*SIDECAR, "env", 1, "value"), "redis://:secret@redis", "password"),
        ("sidecar/deployment.yaml", (*SIDECAR, "env", 2, "value"), "/etc/other", "no volume has the password"),
        ("sidecar/deployment.yaml", (*SIDECAR, "env", 3, "value"), "/tmp/a.sock", "nothing mounted"),
        ("sidecar/deployment.yaml", (*SIDECAR, "env", 4, "value"), "127.0.0.1:8379", "HTTP is not at"),
        ("sidecar/deployment.yaml", (*SIDECAR, "env", 5, "value"), "40s", "terminationGracePeriodSeconds"),
        ("sidecar/deployment.yaml", (*SIDECAR, "env", 6, "value"), "64MiB", "limit of memory"),
        ("sidecar/deployment.yaml", (*POD, "terminationGracePeriodSeconds"), 15, "terminationGracePeriodSeconds"),
        ("sidecar/deployment.yaml", (*SIDECAR, "startupProbe", "httpGet", "path"), "/healthz", "startupProbe"),
        ("sidecar/deployment.yaml", (*SIDECAR, "livenessProbe", "httpGet", "path"), "/health", "livenessProbe"),
        ("sidecar/deployment.yaml", (*SIDECAR, "readinessProbe"), None, "readinessProbe"),
        ("sidecar/deployment.yaml", (*SIDECAR, "resources", "limits"), {}, "limit of memory"),
        ("sidecar/deployment.yaml", (*APP, "volumeMounts", 0, "mountPath"), "/run/relay", "nothing mounted"),
        ("sidecar/deployment.yaml", (*APP, "volumeMounts", 0, "name"), "redis-password", "another volume"),
        ("sidecar/deployment.yaml", (*APP, "volumeMounts", 0, "name"), "nothing", "is no volume"),
        ("sidecar/deployment.yaml", ("spec", "template", "metadata", "labels", "hubrelay"), None, "label hubrelay"),
        ("sidecar/deployment.yaml", ("spec", "selector", "matchLabels"), {"a": "b"}, "its selector"),
        ("sidecar/namespace.yaml", ("metadata", "labels", "pod-security.kubernetes.io/enforce"), "baseline",
         "baseline"),
        ("sidecar/networkpolicy.yaml", ("spec", "ingress", 1, "from"), None, "Prometheus"),
        ("sidecar/networkpolicy.yaml", ("spec", "egress", 0), None, "looked up"),
        ("sidecar/networkpolicy.yaml", ("spec", "egress", 1, "to"), None, "Redis"),
        ("example/redis.yaml", ("spec", "egress", 0, "to"), None, "Redis, and nothing else"),
        ("example/redis.yaml", ("spec", "podSelector"), {}, "Redis, and nothing else"),
        ("example/redis.yaml", ("spec", "egress", 0, "ports"), [{"port": 6379}, {"port": 22}],
         "Redis, and nothing else"),
        ("daemonset/relay.yaml", (*SIDECAR, "securityContext", "capabilities", "add"), ["SYS_ADMIN"], "capabilities"),
        ("daemonset/relay.yaml", (*APP, "securityContext", "runAsUser"), 0, "wrong user"),
        ("job/job.yaml", (*SIDECAR, "env", 5, "value"), "25s", "terminationGracePeriodSeconds"),
        ("podmonitor/podmonitor.yaml", ("spec", "podMetricsEndpoints", 0, "path"), "/stats", "does not answer"),
        ("podmonitor/podmonitor.yaml", ("spec", "selector", "matchLabels"), {"a": "b"}, "label hubrelay"),
    ]

    def test_they_hold(self):
        self.assertEqual(list(rules.problems()), [])

    def test_faults_of_resources_are_found(self):
        for file, path, value, sentence in self.faults:
            with self.subTest(file=file, path=path, value=value):
                whole, = manifests.documents_of(manifests.KUBERNETES / file)
                found = list(rules.resource(file.partition("/")[0], change(whole, path, value)))
                self.assertTrue(any(sentence in problem for problem in found), found)

    def test_a_user_whom_the_relay_of_the_node_does_not_let_in_is_found(self):
        relay, app = (manifests.documents_of(manifests.KUBERNETES / "daemonset" / name)[0]
                      for name in ("relay.yaml", "app.yaml"))
        for fault, sentence in [((*APP, "securityContext", "runAsUser"), "--allow-uid"),
                                ((*POD, "volumes", 0, "hostPath", "path"), "different directories")]:
            found = list(rules.allowed_users("daemonset", [relay, change(app, fault, "/run/other")]))
            self.assertTrue(any(sentence in problem for problem in found), found)

    def test_faults_of_compose_are_found(self):
        services = "services"
        for path, value, sentence in [
            ((services, "relay-b", "volumes"), ["socket-a:/run/hubrelay"], "one volume for two sockets"),
            ((services, "relay-a", "environment", "HUBRELAY_SOKET"), "x", "no variable"),
            ((services, "relay-a", "healthcheck", "test"), ["CMD", "true"], "hubrelay health --live"),
            ((services, "relay-a", "stop_grace_period"), "10s", "stop_grace_period"),
            ((services, "relay-a", "read_only"), False, "more than it has to"),
            ((services, "relay-a", "secrets"), [], "no secret"),
            ((services, "app-a1", "group_add"), None, "group of the socket"),
            ((services, "app-a1", "depends_on"), None, "does not wait"),
            ((services, "app-a1", "ports"), ["8001:8080"], "listens to everybody"),
            ((services, "app-a1", "environment", "HUBRELAY_SOCKET"), "/run/other/hubrelay.sock", "no relay has"),
            ((services, "redis", "healthcheck"), None, "no healthcheck"),
        ]:
            with self.subTest(path=path):
                found = list(rules.compose(change(COMPOSE, path, value), apps_are_hardened=True))
                self.assertTrue(any(sentence in problem for problem in found), found)

    def test_faults_of_a_kustomization_are_found(self):
        example = manifests.KUBERNETES / "example"
        patch, = manifests.documents_of(example / "settings.yaml")
        resources = list(rules.resources_of(example))
        for path, value, sentence in [
            (("metadata", "name"), "chatt", "of which there are 0"),
            ((*SIDECAR, "name"), "relay", "which is not there"),
            ((*SIDECAR, "env", 0, "name"), "HUBRELAY_PREFIKS", "sets HUBRELAY_PREFIKS"),
        ]:
            found = list(rules.patch_fits(change(patch, path, value), resources))
            self.assertTrue(any(sentence in problem for problem in found), found)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "kustomization.yaml").write_text(
                "kind: Kustomization\nresources: [a.yaml, ../nothing]\nimages: [{name: x}]\n"
                "patches: [{path: b.yaml}]\n")
            (folder / "a.yaml").write_text("kind: Secret\n")
            (folder / "c.yaml").write_text("kind: Secret\n")
            problems = "\n".join(rules.kustomization(folder))
        for sentence in ("../nothing is not there", "no container has the image x", "b.yaml", "nothing names it"):
            self.assertIn(sentence, problems)


if __name__ == "__main__":
    unittest.main()
