"""What deploy/package makes of a program: the Debian package, the image, the bill of materials, the manual page. The
program is the one under test, which is not static; deploy/package.d/prove is about the static one."""
import gzip
import hashlib
import io
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tarfile
import tempfile
import unittest

from harness import ROOT, binary

PARTS = ROOT / "deploy" / "package.d"
sys.path.insert(0, str(PARTS))
sys.dont_write_bytecode = True

import image  # noqa: E402  (it is found through the line above)
import manual  # noqa: E402
import sbom  # noqa: E402

MOMENT = 1764000000
ENVIRONMENT = {**os.environ, "SOURCE_DATE_EPOCH": str(MOMENT), "DEBFULLNAME": "A Packager",
               "DEBEMAIL": "packager@debian.org"}
TABLE = "libuv\tMIT\tlibuv1\t1.44.2-1+deb12u1\nOpenSSL\tApache-2.0\topenssl\t3.0.19-1~deb12u2\n"


def run(*words, **options):
    """What a command prints; the test fails with its complaint where it fails."""
    done = subprocess.run([str(word) for word in words], check=False, env=ENVIRONMENT, capture_output=True, **options)
    if done.returncode != 0:
        raise AssertionError(f"{words} ends with {done.returncode}:\n{done.stderr.decode()}")
    return done.stdout


class PackageTest(unittest.TestCase):
    def folder(self):
        directory = tempfile.TemporaryDirectory(prefix="hubrelay-")
        self.addCleanup(directory.cleanup)
        return pathlib.Path(directory.name)

    def program(self):
        """A script in place of the program, since a debug build takes long to compress."""
        path = self.folder() / "hubrelay"
        path.write_text(f'#!/bin/sh\nexec "{binary()}" "$@"\n')
        path.chmod(0o755)
        return path


class ManualTest(PackageTest):
    def page(self):
        return run(sys.executable, PARTS / "manual.py", binary()).decode()

    def test_every_command_has_the_options_of_its_help(self):
        page = self.page().replace("\\-", "-").replace("\\&", "")
        top = run(binary(), "--help").decode()
        commands = re.findall(r"^  ([a-z-]+) {2,}\S", top.partition("SUBCOMMANDS:")[2], re.M)
        self.assertGreaterEqual(len(commands), 4)
        for command in commands:
            said = run(binary(), command, "--help").decode()
            options = set(re.findall(r"^  (?:-\w, )?(--[a-z-]+)", said, re.M)) - {"--help", "--version"}
            section = re.search(rf'^\.SS "hubrelay {command}"$(.*?)^\.S[SH]', page, re.M | re.S)[1]
            described = re.findall(r"^\\fB(?:-\w\\fR, \\fB)?(--[a-z-]+)\\fR", section, re.M)
            self.assertEqual(options, set(described), command)
            self.assertIn(f"\n.B hubrelay {command}\n", page)

    def test_it_is_of_this_version_and_without_placeholders(self):
        page = self.page()
        version = run(binary(), "--version").decode().strip()
        self.assertTrue(page.startswith(f'.TH HUBRELAY 1 "2025-11-24" "{version}"'), page[:80])
        self.assertNotRegex(page, "@[A-Z]+@")

    def test_text_is_no_request_of_roff(self):
        self.assertEqual(manual.roff(".so  a\\b\n-c"), "\\&.so a\\eb \\-c")
        self.assertEqual(manual.roff("'tis"), "\\&'tis")


class DebTest(PackageTest):
    def built(self):
        work = self.folder()
        (work / "licences").mkdir()
        (work / "licences" / "libuv").write_text("A notice.\n")
        (work / "components.tsv").write_text(TABLE)
        package = work / "hubrelay.deb"
        run(PARTS / "deb", self.source, work / "licences", work / "components.tsv", "1.2.3", package)
        return package

    def setUp(self):
        self.source = self.program()

    def test_its_files(self):
        package, folder = self.built(), self.folder()
        run("dpkg-deb", "-x", package, folder)
        names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
        self.assertLessEqual({
            "usr/bin/hubrelay", "usr/lib/systemd/system/hubrelay@.service", "usr/lib/sysusers.d/hubrelay.conf",
            "usr/lib/tmpfiles.d/hubrelay.conf", "usr/share/man/man1/hubrelay.1.gz",
            "usr/share/bash-completion/completions/hubrelay", "usr/share/zsh/vendor-completions/_hubrelay",
            "usr/share/fish/vendor_completions.d/hubrelay.fish", "usr/share/doc/hubrelay/copyright",
            "usr/share/doc/hubrelay/changelog.gz", "usr/share/doc/hubrelay/examples/example.env",
            "usr/share/doc/hubrelay/licences/libuv"}, names)
        self.assertTrue((folder / "etc/hubrelay").is_dir())
        self.assertFalse([name for name in names if name.startswith("etc/")])
        for unit in (ROOT / "deploy/systemd").glob("hubrelay@.*"):
            text = (folder / "usr/lib/systemd/system" / unit.name).read_text()
            self.assertNotIn("/usr/local", text)
        self.assertIn("\nExecStart=/usr/bin/hubrelay serve\n",
                      (folder / "usr/lib/systemd/system/hubrelay@.service").read_text())
        for name in ("usr/share/bash-completion/completions/hubrelay",):
            run("bash", "-n", folder / name)
        sums = run("dpkg-deb", "-I", package, "md5sums").decode()
        self.assertEqual(names, {line.split("  ", 1)[1] for line in sums.splitlines()})
        run("md5sum", "--check", "--quiet", "-", input=sums.encode(), cwd=folder)

    def test_what_it_says_of_itself(self):
        package = self.built()
        fields = dict(line.split(": ", 1) for line in run("dpkg-deb", "-f", package).decode().splitlines()
                      if line[:1].isalpha())
        self.assertEqual((fields["Package"], fields["Version"]), ("hubrelay", "1.2.3"))
        self.assertEqual(fields["Maintainer"], "A Packager <packager@debian.org>")
        self.assertEqual(fields["Built-Using"], "libuv1 (= 1.44.2-1+deb12u1), openssl (= 3.0.19-1~deb12u2)")
        for line in run("dpkg-deb", "-c", package).decode().splitlines():
            self.assertRegex(line, r"^[-d]rw[-x]r-[-x]r-[-x] root/root ", line)

    def test_it_is_the_same_each_time(self):
        self.assertEqual(self.built().read_bytes(), self.built().read_bytes())

    def test_of_the_tarball_the_unit_is_for_usr_local(self):
        folder = self.folder()
        run(PARTS / "files", self.source, folder, "/usr/local")
        self.assertIn("\nExecStart=/usr/local/bin/hubrelay serve\n",
                      (folder / "lib/systemd/system/hubrelay@.service").read_text())
        self.assertTrue((folder / "share/zsh/site-functions/_hubrelay").exists())


class ImageTest(PackageTest):
    def layout(self):
        """An image of the system's files and of a script as the program."""
        system, relay, folder = self.folder() / "system", self.folder() / "relay", self.folder() / "layout"
        run(PARTS / "root", system)
        run("install", "-D", "-m", "755", self.source, relay / "usr/bin/hubrelay")
        run(sys.executable, PARTS / "image.py", "1.2.3", folder, system, relay)
        return folder

    def setUp(self):
        if not list(pathlib.Path("/usr/share/ca-certificates/mozilla").glob("*.crt")):
            self.skipTest("ca-certificates is not installed")
        self.source = self.program()

    def blob(self, folder, descriptor):
        """What a descriptor is about, which has the size and the digest that it says."""
        content = (folder / "blobs" / descriptor["digest"].replace(":", "/")).read_bytes()
        self.assertEqual(descriptor["digest"], f"sha256:{hashlib.sha256(content).hexdigest()}")
        self.assertEqual(descriptor["size"], len(content))
        return content

    def parsed(self, folder):
        """(index, manifest, config, layers as tar files) of a layout whose digests are right."""
        self.assertEqual(json.loads((folder / "oci-layout").read_text()), {"imageLayoutVersion": "1.0.0"})
        index = json.loads((folder / "index.json").read_text())
        manifest = json.loads(self.blob(folder, index["manifests"][0]))
        config = json.loads(self.blob(folder, manifest["config"]))
        packed = [self.blob(folder, each) for each in manifest["layers"]]
        for each in packed:
            self.assertEqual(each[4:8], bytes(4), "the time in gzip's header")
        layers = [gzip.decompress(each) for each in packed]
        digests = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
        self.assertEqual(config["rootfs"]["diff_ids"], digests)
        self.assertEqual(len(config["history"]), len(layers))
        self.assertEqual(len(list((folder / "blobs/sha256").iterdir())), 2 + len(layers))
        return index, manifest, config, [tarfile.open(fileobj=io.BytesIO(layer)) for layer in layers]

    def test_digests_and_sizes(self):
        index, manifest, config, layers = self.parsed(self.layout())
        self.assertEqual(index["manifests"][0]["annotations"]["io.containerd.image.name"], "hubrelay:1.2.3")
        self.assertEqual(index["manifests"][0]["mediaType"], manifest["mediaType"])
        wanted = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
        self.assertEqual((config["architecture"], config["os"]), (wanted, "linux"))
        self.assertEqual(len(layers), 2)

    def test_its_settings_are_those_of_the_dockerfile(self):
        config = self.parsed(self.layout())[2]["config"]
        del config["Labels"]
        self.assertEqual(config, {
            "User": "65532:65532", "Env": ["PATH=/usr/bin", "HUBRELAY_HTTP=0.0.0.0:8379"],
            "ExposedPorts": {"8379/tcp": {}}, "Volumes": {"/run/hubrelay": {}}, "Entrypoint": ["hubrelay"],
            "Cmd": ["serve"], "StopSignal": "SIGTERM",
            "Healthcheck": {"Test": ["CMD", "hubrelay", "health", "--live"], "Interval": 10 * 10**9,
                            "Timeout": 3 * 10**9, "StartPeriod": 5 * 10**9}})

    def test_an_instruction_that_it_does_not_know_is_refused(self):
        with self.assertRaisesRegex(SystemExit, "SHELL"):
            image.settings('FROM a AS build\nRUN b\n\nFROM scratch\nSHELL ["c"]\n')

    def test_files_and_their_owners(self):
        system, relay = self.parsed(self.layout())[3]
        for layer in (system, relay):
            self.assertEqual(layer.getnames(), sorted(layer.getnames(), key=lambda name: name.split("/")))
            for entry in layer.getmembers():
                owner = 65532 if entry.name == "run/hubrelay" else 0
                found = (entry.uid, entry.gid, entry.uname, entry.mtime)
                self.assertEqual(found, (owner, owner, "", MOMENT), entry.name)
        self.assertEqual(system.getmember("run/hubrelay").mode, 0o770)
        self.assertEqual(system.getmember("tmp").mode, 0o1777)
        self.assertEqual(relay.getmember("usr/bin/hubrelay").mode, 0o755)
        certificates = system.extractfile("etc/ssl/certs/ca-certificates.crt").read()
        self.assertEqual(certificates.count(b"\n-----END CERTIFICATE-----\n"),
                         len(list(pathlib.Path("/usr/share/ca-certificates/mozilla").glob("*.crt"))))
        self.assertEqual(system.getmember("usr/lib/ssl/cert.pem").linkname, "/etc/ssl/certs/ca-certificates.crt")
        self.assertIn(b"hubrelay:x:65532:65532:", system.extractfile("etc/passwd").read())

    def test_it_is_the_same_each_time(self):
        first, second = ({path.name: path.read_bytes() for path in self.layout().rglob("*") if path.is_file()}
                         for _ in range(2))
        self.assertEqual(first, second)


class BillTest(PackageTest):
    def test_the_swift_packages_are_those_that_are_linked(self):
        text = (ROOT / "Package.swift").read_text()
        packages = sbom.swift_packages(text)
        self.assertEqual(set(packages), {"swift-argument-parser", "swift-log"})
        for url, version in packages.values():
            self.assertIn(f'.package(url: "{url}", exact: "{version}")', text)

    def test_the_document(self):
        table = self.folder() / "components.tsv"
        table.write_text(TABLE)
        words = (sys.executable, PARTS / "sbom.py", binary(), table, "1.2.3", "6.3.1")
        document = json.loads(run(*words))
        self.assertEqual(run(*words), run(*words))
        self.assertEqual((document["bomFormat"], document["specVersion"]), ("CycloneDX", "1.5"))
        main = document["metadata"]["component"]
        self.assertEqual(main["hashes"][0]["content"], hashlib.sha256(pathlib.Path(binary()).read_bytes()).hexdigest())
        self.assertEqual([each["name"] for each in document["components"]][3:], ["libuv", "OpenSSL"])
        self.assertEqual(document["components"][3]["purl"], "pkg:deb/debian/libuv1@1.44.2-1%2Bdeb12u1?arch=source")
        refs = [each["bom-ref"] for each in document["components"]]
        self.assertEqual(len(set(refs)), len(refs))
        self.assertEqual(document["dependencies"], [{"ref": main["bom-ref"], "dependsOn": refs}])


if __name__ == "__main__":
    unittest.main()
