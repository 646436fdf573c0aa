"""Writes an image "from scratch" as an OCI image layout, without a container engine.

    SOURCE_DATE_EPOCH=... image.py VERSION FOLDER ROOT...

Each ROOT is a folder with the files of one layer, the lowest first. FOLDER becomes the layout (oci-layout,
index.json, blobs/sha256/...), of image-spec 1.0. User, ports, entry point and the like are those of the last stage of
deploy/Dockerfile. The same input gives the same bytes.
"""
import datetime
import gzip
import hashlib
import io
import json
import os
import pathlib
import platform
import re
import sys
import tarfile
from typing import Any

DOCKERFILE = pathlib.Path(__file__).resolve().parents[1] / "Dockerfile"
#: What belongs to the user that the relay runs as; the rest is root's.
OWNERS = {"run/hubrelay": 65532}
ARCHITECTURES = {"x86_64": {"architecture": "amd64"}, "aarch64": {"architecture": "arm64", "variant": "v8"}}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


def layer(folder, moment):
    """A folder's content as a tar file: by name, without the owners and times that it has here."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            entry = tar.gettarinfo(path, str(path.relative_to(folder)))
            entry.uid = entry.gid = OWNERS.get(entry.name, 0)
            entry.uname = entry.gname = ""
            entry.mtime = moment
            if entry.isreg():
                with path.open("rb") as file:
                    tar.addfile(entry, file)
            else:
                tar.addfile(entry)
    return content.getvalue()


def nanoseconds(text):
    """10s, as a HEALTHCHECK has it."""
    return int(re.fullmatch(r"(\d+)s", text)[1]) * 10**9


def settings(dockerfile):
    """The `config` of an image, as the last stage of a Dockerfile has it."""
    stage = re.sub(r"^ *#.*\n", "", dockerfile.rpartition("\nFROM ")[2], flags=re.M)
    found: dict[str, Any] = {"Env": [], "ExposedPorts": {}, "Volumes": {}}
    for word, value in re.findall(r"^([A-Z]+) (.*(?:\\\n.*)*)$", stage, re.M):
        if word == "ENV":
            found["Env"].append(value)
        elif word == "EXPOSE":
            found["ExposedPorts"][f"{value}/tcp"] = {}
        elif word == "VOLUME":
            found["Volumes"][value] = {}
        elif word in ("ENTRYPOINT", "CMD"):
            found[word.title()] = json.loads(value)
        elif word == "USER":
            found["User"] = value
        elif word == "STOPSIGNAL":
            found["StopSignal"] = value
        elif word == "HEALTHCHECK":
            options, _, command = value.partition(" CMD ")
            times = dict(re.findall(r"--([a-z-]+)=(\S+)", options))
            found["Healthcheck"] = {"Test": ["CMD", *json.loads(command)], "Interval": nanoseconds(times["interval"]),
                                    "Timeout": nanoseconds(times["timeout"]),
                                    "StartPeriod": nanoseconds(times["start-period"])}
        elif word != "COPY":
            raise SystemExit(f"image: {word} of the Dockerfile has no meaning here")
    return found


class Layout:
    """A folder of blobs, named by their digests."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "blobs" / "sha256").mkdir(parents=True)

    def blob(self, content, media_type, **more):
        """Writes a blob. Returns its descriptor."""
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / "blobs" / "sha256" / digest).write_bytes(content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content), **more}

    def json(self, value, media_type, **more):
        return self.blob(encoded(value), media_type, **more)


def encoded(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def write(folder, layers, config, version, moment, machine):
    """Writes a layout of one image: layers as tar files, the lowest first, and the `config` that it runs with."""
    layout = Layout(folder)
    created = f"{datetime.datetime.fromtimestamp(moment, datetime.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
    labels = {"org.opencontainers.image.title": "hubrelay", "org.opencontainers.image.version": version,
              "org.opencontainers.image.licenses": "Apache-2.0"}
    image = {
        "created": created, "os": "linux", **ARCHITECTURES[machine], "config": {**config, "Labels": labels},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]},
        "history": [{"created": created, "created_by": "deploy/package"} for _ in layers],
    }
    manifest = {
        "schemaVersion": 2, "mediaType": MANIFEST, "config": layout.json(image, CONFIG),
        "layers": [layout.blob(gzip.compress(layer, 9, mtime=0), LAYER) for layer in layers],
        "annotations": {**labels, "org.opencontainers.image.created": created},
    }
    # The second name is the one that containerd and `docker load` give to the image.
    names = {"org.opencontainers.image.ref.name": version, "io.containerd.image.name": f"hubrelay:{version}"}
    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
             "manifests": [layout.json(manifest, MANIFEST, annotations=names,
                                       platform={"os": "linux", **ARCHITECTURES[machine]})]}
    (folder / "index.json").write_bytes(encoded(index))
    (folder / "oci-layout").write_bytes(encoded({"imageLayoutVersion": "1.0.0"}))


def main(version, folder, *roots):
    moment = int(os.environ["SOURCE_DATE_EPOCH"])
    layers = [layer(pathlib.Path(root), moment) for root in roots]
    write(pathlib.Path(folder), layers, settings(DOCKERFILE.read_text()), version, moment, platform.machine())


if __name__ == "__main__":
    main(*sys.argv[1:])
