"""The package as it is installed: a wheel that is built from the folder, in an environment of its own."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

PROGRAM = """
import hubrelay, hubrelay.testing, os
assert os.path.dirname(hubrelay.__file__).startswith(os.environ["PREFIX"]), hubrelay.__file__
with hubrelay.testing.FakeRelay() as relay, relay.client() as client, client.listen("a") as subscription:
    assert client.publish("a", b"x") == 1
    print(subscription.get(30).payload.decode(), hubrelay.__version__)
"""


def run(*command, **environment):
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    return ended.returncode == 0, ended.stdout + ended.stderr


class Package(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-package-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def wheel(self):
        """The wheel's path. It is built without the network where setuptools and wheel are installed, as by Debian's
        python3-setuptools and python3-wheel; else pip has to fetch them."""
        source = os.path.join(self.directory, "source")  # building leaves files behind
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
        said = ""
        for interpreter, isolation in ((sys.executable, "--no-build-isolation"),
                                       ("/usr/bin/python3", "--no-build-isolation"), (sys.executable, "")):
            is_built, said = run(interpreter, "-m", "pip", "wheel", "--no-deps", *filter(None, [isolation]), "-w",
                                 self.directory, source)
            if is_built:
                name, = (name for name in os.listdir(self.directory) if name.endswith(".whl"))
                return os.path.join(self.directory, name)
        if "hubrelay" in said and "No module named" not in said and "Could not find a version" not in said:
            self.fail(said)
        self.skipTest(f"no wheel can be built here, since neither setuptools and wheel nor the registry are there: "
                      f"{said[-500:]}")

    def test_a_wheel_can_be_installed_and_used(self):
        wheel = self.wheel()
        with zipfile.ZipFile(wheel) as archive:
            names = archive.namelist()
            metadata, = (name for name in names if name.endswith("METADATA"))
            text = archive.read(metadata).decode()
        self.assertIn("hubrelay/py.typed", names)
        self.assertIn("hubrelay/channels/layer.py", names)
        self.assertEqual({name.split("/")[0] for name in names if ".dist-info" not in name}, {"hubrelay"})
        self.assertTrue(any(name.endswith("/LICENSE") for name in names), names)
        self.assertIn("Requires-Python: >=3.9", text)
        needs = [line for line in text.splitlines() if line.startswith("Requires-Dist: ")]
        self.assertEqual([line for line in needs if "extra ==" not in line], [], "it needs nothing but for its extras")
        for framework in ("broadcaster", "channels", "litestar", "socketio"):
            self.assertIn(f"Provides-Extra: {framework}\n", text)
        prefix = os.path.join(self.directory, "venv")
        is_made, said = run(sys.executable, "-m", "venv", "--without-pip", prefix)
        if not is_made:
            self.skipTest(f"this Python makes no environments: {said[-500:]}")
        python = os.path.join(prefix, "bin", "python")
        is_installed, said = run(sys.executable, "-m", "pip", "--python", python, "install", "--no-index",
                                  "--no-deps", wheel)
        self.assertTrue(is_installed, said)
        works, said = run(python, "-I", "-W", "error", "-c", PROGRAM, PREFIX=os.path.realpath(prefix))
        self.assertTrue(works, said)
        self.assertEqual(said, "x 0.1.0\n")


if __name__ == "__main__":
    unittest.main()
