"""The monitoring pack against real relays: a Prometheus that is set up as deploy/monitoring/prometheus.yml says scrapes
one relay of a single Redis, one behind a sentinel and one of a cluster, while messages go through them.

Every query of the dashboard answers, no alert is near for relays that are well, and the right one is without Redis.
The names of metrics and the values of labels in all expressions are there, and every metric that a relay exports is
used, or left out on purpose.
"""
import asyncio
import json
import os
import re
import tempfile
import threading
import time
import types
import unittest
import urllib.error
import urllib.parse
import urllib.request

from clusters import Cluster
from harness import PATIENCE, ROOT, Process, Redis, Relay, free_port, hubrelay
from sentinels import SERVICE, Node, Sentinel

PACK = ROOT / "deploy" / "monitoring"

#: Alerts that say how busy the machine is. The one that runs the tests may be.
OF_A_BUSY_MACHINE = {"HubrelayLoopLate", "HubrelayProbeSlow", "HubrelayBusy"}

#: What a relay exports and the pack has no use for.
LEFT_OUT = {
    "process_virtual_memory_bytes",  # It says little: what is resident is what counts.
    "hubrelay_last_reload_success_timestamp_seconds",  # For whoever looks into a reload that failed.
}

#: What only relays with TLS export, which these are not.
WITH_TLS = {"hubrelay_tls_not_after_seconds"}

#: What Grafana puts in place of its variables.
VARIABLES = {"$app": ".*", "$instance": ".*", "$__rate_interval": "10s"}


def fetch(url):
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        raise AssertionError(f"{url}: {error.code} {error.read().decode()}") from None


def until(what, condition):
    """Asks again until there is something, which it returns."""
    limit = time.monotonic() + PATIENCE
    while not (found := condition()):
        if time.monotonic() > limit:
            raise AssertionError(f"waited {PATIENCE} s for {what}")
        time.sleep(0.1)
    return found


class Prometheus:
    def __init__(self, directory, targets):
        config = (PACK / "prometheus.yml").read_text()
        entry = config[config.index("      - targets:"):]
        for old, new in (("15s", "250ms"), ("alerts.yml", str(PACK / "alerts.yml")),
                         (entry, "".join(self._entry(entry, address, app) for address, app in targets))):
            assert old in config, f"prometheus.yml is another one now: it does not say {old}"
            config = config.replace(old, new)
        file = os.path.join(directory, "prometheus.yml")
        with open(file, "w") as output:
            output.write(config)
        self._address = f"127.0.0.1:{free_port()}"
        self._process = Process(
            "prometheus", f"--config.file={file}", f"--storage.tsdb.path={directory}/data",
            f"--web.listen-address={self._address}", ready="Server is ready to receive web requests")

    @staticmethod
    def _entry(example, address, app):
        for old, new in (("127.0.0.1:8379", address), ("app: chat,", f"app: {app},")):
            assert old in example, f"prometheus.yml is another one now: its target does not say {old}"
            example = example.replace(old, new)
        return example

    def get(self, path, **parameters):
        """The data of one answer of its API; AssertionError if that is an error."""
        answer = json.loads(fetch(f"http://{self._address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))
        assert answer["status"] == "success", answer
        return answer["data"]

    def query(self, expression):
        """The series that are the result now."""
        return self.get("query", query=expression)["result"]

    def kill(self):
        self._process.kill()


class Traffic(threading.Thread):
    """Publishes to each relay what it subscribes to there."""

    def __init__(self, relays):
        super().__init__()
        self._relays, self._over = relays, threading.Event()

    def run(self):
        asyncio.run(self._all())

    async def _all(self):
        await asyncio.gather(*map(self._one, self._relays))

    async def _one(self, relay):
        async with hubrelay.AsyncClient(relay.path, name="traffic") as client, client.listen("room.7"):
            while not self._over.is_set():
                try:
                    await client.publish("room.7", b"hello")
                except hubrelay.HubrelayError:
                    pass  # Redis is away on purpose.
                await asyncio.sleep(0.02)

    def end(self):
        self._over.set()
        self.join()


def selectors(expression):
    """Every name with its braces, as in `up{job="hubrelay"}`, but for what is of another time."""
    return [match[0] for match in re.finditer(r'[a-z_]+\{(?:[^{}"]|"[^"]*")*\}', expression)]


def metrics(expression):
    """The names of metrics that relays export."""
    return set(re.findall(r"\b(?:hubrelay|process)_\w+", re.sub(r'"[^"]*"', "", expression)))


class MonitoringTest(unittest.TestCase):
    directory: str
    redis: Redis
    relays: list[Relay]
    addresses: list[str]
    #: Each has a Redis of its own.
    apps = ("chat", "news", "games")
    prometheus: Prometheus

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        cls.addClassCleanup(directory.cleanup)
        cls.directory = directory.name
        cls.redis = Redis(directory.name)
        cls.addClassCleanup(cls.redis.stop)
        cls.relays, cls.addresses = [], []
        for number, (url, options) in enumerate((
                (cls.redis.url, {}), (cls.sentinel_url(), {}), (cls.cluster_url(), {"--cluster-pubsub": "sharded"}))):
            folder = os.path.join(directory.name, f"relay{number}")
            os.mkdir(folder)
            cls.addresses.append(f"127.0.0.1:{free_port()}")
            relay = Relay(types.SimpleNamespace(url=url), folder, {"--http": cls.addresses[-1], **options})
            cls.addClassCleanup(relay.kill)
            cls.relays.append(relay)
        for address in cls.addresses:
            until("the relay to be UP", lambda: 'hubrelay_state{state="up"} 1' in fetch(f"http://{address}/metrics"))
        traffic = Traffic(cls.relays)
        traffic.start()
        cls.addClassCleanup(traffic.end)
        cls.prometheus = Prometheus(directory.name, list(zip(cls.addresses, cls.apps)))
        cls.addClassCleanup(cls.prometheus.kill)
        until("three scrapes of each relay", lambda: len(
            cls.prometheus.query('count_over_time(up{job="hubrelay"}[1m]) >= 3 and up == 1')) == 3)

    @classmethod
    def sentinel_url(cls):
        node, sentinel = Node(cls.directory, "node"), Sentinel(cls.directory, "sentinel")
        node.start()
        cls.addClassCleanup(node.kill)
        sentinel.configure([node], [], 5000)
        sentinel.start()
        cls.addClassCleanup(sentinel.kill)
        return f"redis-sentinel://127.0.0.1:{sentinel.port}/{SERVICE}"

    @classmethod
    def cluster_url(cls):
        folder = os.path.join(cls.directory, "cluster")
        os.mkdir(folder)
        cluster = Cluster(folder, masters=1, replicas=0)
        cls.addClassCleanup(cluster.close)
        return cluster.url

    # MARK: What the pack asks

    @staticmethod
    def dashboard():
        return json.loads((PACK / "dashboard.json").read_text())

    def panel_queries(self):
        for panel in self.dashboard()["panels"]:
            for target in panel.get("targets", ()):
                yield panel["title"], self.filled(target["expr"])

    def filled(self, expression):
        for name, value in VARIABLES.items():
            expression = expression.replace(name, value)
        self.assertNotIn("$", expression, "a variable that the test does not know")
        return expression

    def rules(self):
        """The alerts, once each has been evaluated."""
        def evaluated():
            rules = [rule for group in self.prometheus.get("rules")["groups"] for rule in group["rules"]]
            return rules if all(rule["health"] != "unknown" for rule in rules) else None
        return until("every rule to be evaluated", evaluated)

    def pending(self, name):
        return [alert for alert in self.prometheus.get("alerts")["alerts"] if alert["labels"]["alertname"] == name]

    def exported(self):
        """The families that the relays export."""
        text = "".join(fetch(f"http://{address}/metrics") for address in self.addresses)
        return set(re.findall(r"(?m)^# TYPE (\w+) ", text))

    # MARK: Tests

    def test_every_panel_has_an_answer(self):
        queries = list(self.panel_queries())
        self.assertGreater(len(queries), 30)
        for title, expression in queries:
            with self.subTest(title, query=expression):
                result = self.prometheus.query(expression)
                self.assertTrue(result, "no result")
                self.assertFalse([series for series in result if series["value"][1] == "NaN"], "not a number")

    def test_variables_and_annotations_of_the_dashboard_have_values(self):
        dashboard = self.dashboard()
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
                values = self.prometheus.get(f"label/{label}/values", **{"match[]": self.filled(selector)})
                self.assertEqual(len(values), 3, label)
        for annotation in dashboard["annotations"]["list"]:
            self.prometheus.query(self.filled(annotation["expr"]))

    def test_no_alert_is_near_until_redis_is_gone_and_then_that_of_one_relay_is(self):
        rules = self.rules()
        self.assertGreater(len(rules), 20)
        for rule in rules:
            with self.subTest(rule["name"]):
                self.assertEqual((rule["health"], rule.get("lastError")), ("ok", None))
                if rule["name"] not in OF_A_BUSY_MACHINE:
                    self.assertEqual(rule["state"], "inactive", rule["alerts"])
        self.redis.stop()
        alert, = until("the alert", lambda: self.pending("HubrelayPathNotUp"))
        self.assertEqual({name: alert["labels"][name] for name in ("instance", "app", "host")},
                         {"instance": self.addresses[0], "app": "chat", "host": "web1"})
        self.assertRegex(alert["annotations"]["description"], "^Cause: (closed|unreachable)[.] Messages of ")
        self.redis.start()
        until("its end", lambda: not self.pending("HubrelayPathNotUp"))

    def test_relays_that_do_not_hear_each_other_are_an_alert_if_they_are_of_one_app(self):
        expression, = (rule["query"] for rule in self.rules() if rule["name"] == "HubrelayIslands")
        until("all to hear themselves", lambda: len(self.prometheus.query("hubrelay_fleet_relays == 1")) == 3)
        self.assertFalse(self.prometheus.query(expression))
        # As if the three were one app.
        as_one = expression.replace("by (app)", "by (job)").replace("on (app)", "on (job)")
        self.assertEqual(sorted(each["metric"]["instance"] for each in self.prometheus.query(as_one)),
                         sorted(self.addresses))

    def test_labels_that_alerts_select_are_there(self):
        found = {selector for rule in self.rules() for selector in selectors(rule["query"])}
        self.assertGreater(len(found), 10)
        for selector in found:
            with self.subTest(selector):
                self.assertTrue(self.prometheus.get("series", **{"match[]": selector}), "no such series")

    def test_metrics_that_are_asked_for_are_exported_and_the_other_way_round(self):
        expressions = [expression for _, expression in self.panel_queries()] + [rule["query"] for rule in self.rules()]
        asked = {re.sub("_(bucket|sum|count)$", "", name) for each in expressions for name in metrics(each)}
        self.assertEqual(asked - self.exported(), WITH_TLS, "no relay exports these")
        self.assertEqual(self.exported() - asked, LEFT_OUT, "nothing asks for these")


if __name__ == "__main__":
    unittest.main()
