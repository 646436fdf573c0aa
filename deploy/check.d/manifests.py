"""The manifests and compose files of this folder, read: documents, Pods, containers, relays."""
import dataclasses
import pathlib
import re

import yaml

DEPLOY = pathlib.Path(__file__).resolve().parents[1]
KUBERNETES = DEPLOY / "kubernetes"
COMPOSE_FILES = (DEPLOY / "compose" / "compose.yaml", DEPLOY / "laptop" / "compose.yaml")
DEVCONTAINER = DEPLOY / "laptop" / ".devcontainer" / "devcontainer.json"


def documents_of(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document is not None]


def kubernetes_files():
    """The files with resources, without kustomizations and patches."""
    kustomizations = sorted(KUBERNETES.glob("*/kustomization.yaml"))
    patches = {file.parent / patch["path"] for file in kustomizations for document in documents_of(file)
               for patch in document.get("patches", ()) if "path" in patch}
    return sorted(path for path in KUBERNETES.glob("*/*.yaml") if path not in {*kustomizations, *patches})


def resources():
    """(path, document) of every resource."""
    return [(path, document) for path in kubernetes_files() for document in documents_of(path)]


def pod_template(document):
    """The Pod that a Deployment, DaemonSet or Job makes; None for other kinds."""
    return document["spec"]["template"] if document["kind"] in ("Deployment", "DaemonSet", "Job") else None


def containers_of(pod):
    """Every container of a Pod's spec, those that run first, first."""
    return pod.get("initContainers", []) + pod["containers"]


def environment_of(container):
    return {variable["name"]: variable.get("value") for variable in container.get("env", [])}


def is_relay(container):
    return container.get("args", [None])[0] == "serve" and "command" not in container


@dataclasses.dataclass(frozen=True)
class RelayContainer:
    """A container that runs `hubrelay serve`, whatever orders it."""
    name: str
    arguments: list
    environment: dict


def relays():
    """The relay of each manifest and compose file."""
    found = []
    for path, document in resources():
        template = pod_template(document)
        found.extend(
            RelayContainer(f"{path.parent.name}/{path.name}", container["args"], environment_of(container))
            for container in (containers_of(template["spec"]) if template else []) if is_relay(container))
    for path in COMPOSE_FILES:
        for name, service in documents_of(path)[0]["services"].items():
            if is_relay_service(service):
                found.append(RelayContainer(f"{path.parent.name}/{path.name}: {name}",
                                            service.get("command", ["serve"]), service["environment"]))
    return found


def is_relay_service(service):
    return service.get("image", "").startswith("hubrelay:") and service.get("command", ["serve"])[0] == "serve"


# ---- what a relay knows, and what the image is ------------------------------------------------------------------

def known_flags():
    """The flags of `hubrelay serve`, from the table that the command itself is made of."""
    source = (DEPLOY.parent / "Sources" / "Configuration" / "Setting+Table.swift").read_text()
    flags = dict(re.findall(r'static let (\w+) = Setting\(\s*"(--[a-z-]+)"', source))
    return {flags[name] for name in re.findall(r"\w+", re.search(r"all: \[Setting\] = \[(.*?)\]", source, re.S)[1])}


def variable_of(flag):
    return "HUBRELAY_" + flag[2:].upper().replace("-", "_")


def paths_of_http():
    """The paths that the relay answers, from where it does."""
    source = (DEPLOY.parent / "Sources" / "Relay" / "admin" / "Daemon+Answers.swift").read_text()
    return set(re.findall(r'case "(/[a-z]+)"', source))


def image():
    """(user, entrypoint, http port) of deploy/Dockerfile."""
    text = (DEPLOY / "Dockerfile").read_text()
    return (re.search(r"^USER (\S+)$", text, re.M)[1], re.search(r'^ENTRYPOINT \["(.*)"\]$', text, re.M)[1],
            int(re.search(r"^EXPOSE (\d+)$", text, re.M)[1]))


def seconds(text):
    """A time as the relay reads it: 500ms, 10s, 1m, 10."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|)", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60, "": 1}[unit]


def size(text):
    """Bytes of 32MiB, as the relay has it, or of 32Mi, as Kubernetes has it."""
    number, unit = re.fullmatch(r"(\d+)(KiB|MiB|GiB|Ki|Mi|Gi|B|)", text).groups()
    return int(number) * {"": 1, "B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[unit[:1]]
