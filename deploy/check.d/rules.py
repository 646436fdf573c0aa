"""What has to hold of the manifests and compose files beyond their schemas. Each rule yields what is wrong."""
import json

from manifests import (COMPOSE_FILES, DEVCONTAINER, KUBERNETES, containers_of, documents_of, environment_of, image,
                       is_relay, is_relay_service, known_flags, paths_of_http, pod_template, resources, seconds, size,
                       variable_of)

SOCKET = "/run/hubrelay/hubrelay.sock"
DIRECTORY = "/run/hubrelay"
STOP_TIMEOUT = "10s"  # the relay's own default
MEMORY_OF_THE_REST = 64 << 20  # what a relay may need beside what waits for slow readers
#: Volumes that the profile "restricted" of Pod Security lets in.
RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected",
                      "secret"}


# ---- Kubernetes -------------------------------------------------------------------------------------------------

def pod_security(pod, on_host):
    """The rules of the profile "restricted". `on_host`: a directory of the host may be there, and the one container
    that gives it to the relay may be root with CHOWN."""
    of_pod = pod.get("securityContext", {})
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield f"{key} is on"
    for volume in pod.get("volumes", []):
        for kind in set(volume) - {"name"} - RESTRICTED_VOLUMES - ({"hostPath"} if on_host else set()):
            yield f"volume {volume['name']} is a {kind}"
    for container in containers_of(pod):
        own = container.get("securityContext", {})
        gives_directory = on_host and container["name"] == "directory"
        wanted = {"runAsNonRoot": True, "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True}
        found = {"runAsNonRoot": of_pod.get("runAsNonRoot"), **own}
        if gives_directory:
            wanted["runAsNonRoot"] = False
        for key, value in wanted.items():
            if found.get(key) is not value:
                yield f"container {container['name']}: {key} is not {str(value).lower()}"
        if gives_directory != (found.get("runAsUser", of_pod.get("runAsUser")) == 0):
            yield f"container {container['name']} runs as the wrong user"
        if (own.get("seccompProfile") or of_pod.get("seccompProfile")) != {"type": "RuntimeDefault"}:
            yield f"container {container['name']}: no seccompProfile RuntimeDefault"
        if own.get("capabilities") != {"drop": ["ALL"], **({"add": ["CHOWN"]} if gives_directory else {})}:
            yield f"container {container['name']}: capabilities are not dropped"
        if own.get("privileged") or any("hostPort" in port for port in container.get("ports", [])):
            yield f"container {container['name']} is privileged, or has a port of the host"
        if "memory" not in container.get("resources", {}).get("limits", {}) or \
                set(container["resources"].get("requests", {})) != {"cpu", "memory"}:
            yield f"container {container['name']}: requests and a limit of memory are missing"


def socket_mount(pod):
    """Whoever names the socket has the volume that it is in at that path: the relay to write, apps to read."""
    volumes = {volume["name"]: volume for volume in pod.get("volumes", [])}
    users = 0
    for container in containers_of(pod):
        mounts = {mount["mountPath"]: mount for mount in container.get("volumeMounts", [])}
        for mount in mounts.values():
            if mount["name"] not in volumes:
                yield f"container {container['name']} mounts {mount['name']}, which is no volume"
        path = environment_of(container).get("HUBRELAY_SOCKET")
        if path is None:
            if container["name"] != "directory":
                yield f"container {container['name']} has no HUBRELAY_SOCKET"
            continue
        users += 1
        mount = mounts.get(path.rpartition("/")[0])
        if mount is None or path != SOCKET:
            yield f"container {container['name']} has nothing mounted at the directory of {path}"
        elif mount["name"] != "hubrelay":
            yield f"container {container['name']} has another volume at {path}"
        elif mount.get("readOnly", False) is is_relay(container):
            yield f"container {container['name']}: readOnly is the wrong way"
    if users == 0:
        yield "nobody uses the socket"
    kinds = {kind: value for kind, value in volumes.get("hubrelay", {}).items() if kind != "name"}
    if "emptyDir" in kinds and pod.get("securityContext", {}).get("fsGroup") is None:
        yield "without fsGroup the app does not reach the socket"
    if not kinds or set(kinds) - {"emptyDir", "hostPath"}:
        yield "the socket is in no emptyDir and no directory of the host"


def relay_settings(arguments, environment):
    """Flags and variables that `hubrelay serve` has, and a password that stands in neither."""
    flags = known_flags()
    given = {word for word in arguments[1:] if word.startswith("--")}
    for flag in sorted(given - flags):
        yield f"{flag} is no flag of `hubrelay serve`"
    for name in sorted({name for name in environment if name.startswith("HUBRELAY_")} - set(map(variable_of, flags))):
        yield f"{name} is no variable of `hubrelay serve`"
    for name in sorted(name for name in environment if name.startswith("HUBRELAY_") and environment[name] == ""):
        yield f"{name} is empty"
    if "HUBRELAY_PREFIX" not in environment or not environment.get("HUBRELAY_PREFIX"):
        yield "there is no prefix"
    if "@" in environment.get("HUBRELAY_REDIS", "") or "HUBRELAY_REDIS_PASSWORD" in environment:
        yield "a password stands in the settings"


def relay_container(container):
    environment = environment_of(container)
    user, entrypoint, port = image()
    context = container.get("securityContext", {})
    if f"{context.get('runAsUser')}:{context.get('runAsGroup')}" != user:
        yield f"the relay does not run as the image's {user}"
    if entrypoint != "hubrelay":
        yield "the image starts something else"
    yield from relay_settings(container["args"], environment)
    file = environment.get("HUBRELAY_REDIS_PASSWORD_FILE", "")
    if not any(file.startswith(mount["mountPath"] + "/") and mount.get("readOnly")
               for mount in container["volumeMounts"]):
        yield f"no volume has the password at {file!r}"
    ports = {entry["name"]: entry["containerPort"] for entry in container.get("ports", [])}
    if environment.get("HUBRELAY_HTTP") != f"[::]:{ports.get('hubrelay')}" or ports.get("hubrelay") != port:
        yield f"HTTP is not at [::] and port {port}, by the name hubrelay"
    for name in ("startupProbe", "livenessProbe", *(["readinessProbe"] if "readinessProbe" in container else [])):
        probe = container.get(name, {}).get("httpGet", {})
        if probe.get("port") != "hubrelay" or probe.get("path", "").partition("?")[0] not in paths_of_http():
            yield f"{name} asks where the relay does not answer: {json.dumps(probe)}"
    if container.get("livenessProbe", {}).get("httpGet", {}).get("path") != "/livez":
        yield "livenessProbe asks for more than whether the relay lives"
    waiting = size(environment.get("HUBRELAY_MAX_BUFFERED", "64MiB"))
    limit = size(container["resources"]["limits"].get("memory", "0"))
    if limit < 4 * waiting + MEMORY_OF_THE_REST:
        yield f"the limit of memory, {limit >> 20}Mi, is below four times HUBRELAY_MAX_BUFFERED and 64Mi"


def relay_pod(document, template):
    """A Pod that has a relay."""
    pod, kind = template["spec"], document["kind"]
    relay, = (container for container in containers_of(pod) if is_relay(container))
    yield from relay_container(relay)
    is_sidecar = relay in pod.get("initContainers", [])
    if is_sidecar != (kind != "DaemonSet"):
        yield "the relay of a Deployment or Job is an init container, that of a DaemonSet is not"
    if is_sidecar and relay.get("restartPolicy") != "Always":
        yield "the relay is no native sidecar: restartPolicy is not Always"
    if is_sidecar and kind != "Job" and "readinessProbe" not in relay:
        yield "the relay has no readinessProbe"
    grace = pod.get("terminationGracePeriodSeconds", 30)
    stop = seconds(environment_of(relay).get("HUBRELAY_STOP_TIMEOUT", STOP_TIMEOUT))
    # A sidecar is stopped after the app, with what that has left of the grace period.
    if grace < stop + 10:
        yield f"terminationGracePeriodSeconds, {grace}, leaves no ten seconds beside the relay's stop timeout, {stop:g}"
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    if volumes.get("redis-password", {}).get("secret", {}).get("secretName") != "redis-password":
        yield "the password is in no Secret"
    if template["metadata"]["labels"].get("hubrelay") != "relay":
        yield "the PodMonitor and the NetworkPolicy do not select it: the label hubrelay is missing"


def allowed_users(folder, documents):
    """A DaemonSet's relay lets in the user of the app's Pods, and nobody else."""
    for relay_set in (document for document in documents if document["kind"] == "DaemonSet"):
        relay, = (container for container in relay_set["spec"]["template"]["spec"]["containers"])
        words = relay["args"]
        allowed = {words[place + 1] for place, word in enumerate(words[:-1]) if word == "--allow-uid"}
        wanted = {str(container["securityContext"]["runAsUser"])
                  for document in documents if document["kind"] == "Deployment"
                  for container in document["spec"]["template"]["spec"]["containers"]}
        if allowed != wanted or not allowed:
            yield f"{folder}: --allow-uid has {sorted(allowed)}, the app's Pods run as {sorted(wanted)}"
        paths = {volume["hostPath"]["path"] for document in documents if pod_template(document)
                 for volume in pod_template(document)["spec"]["volumes"] if "hostPath" in volume}
        if len(paths) != 1:
            yield f"{folder}: relay and apps have different directories of the host: {sorted(paths)}"


def network_policy(document):
    http = {8379}
    spec = document["spec"]
    rules = [({port["port"] for port in rule.get("ports", [])}, rule.get("to")) for rule in spec["egress"]]
    is_redis = any(6379 in ports and to for ports, to in rules)
    if spec["policyTypes"] == ["Egress"]:  # it adds to one for both ways
        is_for_relays = spec["podSelector"] == {"matchLabels": {"hubrelay": "relay"}}
        if not is_for_relays or not is_redis or rules[0][0] != {6379} or len(rules) != 1:
            yield "it does not let Pods with a relay reach Redis, and nothing else"
        return
    if spec["podSelector"] != {"matchLabels": {"hubrelay": "relay"}} or spec["policyTypes"] != ["Ingress", "Egress"]:
        yield "it does not decide for Pods with a relay, both ways"
    ports = [{port["port"] for port in rule.get("ports", [])} for rule in spec["ingress"]]
    is_open = any(numbers & http and "from" not in rule for rule, numbers in zip(spec["ingress"], ports))
    if is_open or http not in ports:
        yield "HTTP of the relay is not for Prometheus alone"
    if {53} not in [{port["port"] for port in rule["ports"]} for rule in spec["egress"]]:
        yield "names cannot be looked up"
    if not is_redis:
        yield "Redis cannot be reached, or everything can"


def pod_monitor(document):
    if document["apiVersion"] != "monitoring.coreos.com/v1":
        yield "another version of the operator's API"
    if document["spec"]["selector"] != {"matchLabels": {"hubrelay": "relay"}}:
        yield "it does not select by the label hubrelay"
    for endpoint in document["spec"]["podMetricsEndpoints"]:
        if endpoint["port"] != "hubrelay" or endpoint["path"] not in paths_of_http():
            yield f"it asks where the relay does not answer: {json.dumps(endpoint)}"


def resource(folder, document):
    """What is wrong with one resource."""
    template = pod_template(document)
    if template:
        yield from pod_security(template["spec"], on_host=folder == "daemonset")
        yield from socket_mount(template["spec"])
        if any(is_relay(container) for container in containers_of(template["spec"])):
            yield from relay_pod(document, template)
        labels = document["spec"].get("selector", {}).get("matchLabels", {})
        if not labels.items() <= template["metadata"]["labels"].items():
            yield "its selector does not select its own Pods"
    elif document["kind"] == "NetworkPolicy":
        yield from network_policy(document)
    elif document["kind"] == "PodMonitor":
        yield from pod_monitor(document)
    elif document["kind"] == "Namespace":
        level = document["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
        if level != ("privileged" if folder == "daemonset" else "restricted"):
            yield f"Pod Security enforces {level}"
    else:
        yield f"no rules for a {document['kind']}"


# ---- kustomizations ---------------------------------------------------------------------------------------------

def kustomization(folder):
    """Everything that a kustomization names exists: resources, components, patches and their targets, images."""
    path = folder / "kustomization.yaml"
    document, = documents_of(path)
    known = {"apiVersion", "kind", "namespace", "resources", "components", "images", "patches"}
    for key in sorted(set(document) - known):
        yield f"{key} is not looked at by this check"
    if document["kind"] == "Component" and document["apiVersion"] != "kustomize.config.k8s.io/v1alpha1":
        yield "a component has the version v1alpha1"
    for name in document.get("resources", []) + document.get("components", []):
        target = folder / name
        if not (target.is_file() or (target / "kustomization.yaml").is_file()):
            yield f"{name} is not there"
    named = {(folder / name).resolve() for name in document.get("resources", [])}
    patches = {(folder / patch["path"]).resolve() for patch in document.get("patches", []) if "path" in patch}
    for file in folder.glob("*.yaml"):
        if file != path and file.resolve() not in named | patches:
            yield f"{file.name} is in the folder, and nothing names it"
    all_resources = list(resources_of(folder))
    images = {image_name(container["image"]) for resource in all_resources if pod_template(resource)
              for container in containers_of(pod_template(resource)["spec"])}
    for entry in document.get("images", []):
        if entry["name"] not in images:
            yield f"no container has the image {entry['name']}"
    for patch in document.get("patches", []):
        if set(patch) != {"path"} or not (folder / patch["path"]).is_file():
            yield f"patches: {json.dumps(patch)} is no file that is there"
            continue
        for change in documents_of(folder / patch["path"]):
            yield from patch_fits(change, all_resources)


def image_name(reference):
    return reference.rpartition(":")[0]


def resources_of(folder):
    document, = documents_of(folder / "kustomization.yaml")
    for name in document.get("resources", []) + document.get("components", []):
        target = folder / name
        if target.is_file():
            yield from documents_of(target)
        elif target.is_dir():
            yield from resources_of(target)


def patch_fits(change, all_resources):
    """A strategic patch names one resource, containers that it has, and variables that these have."""
    def identity(document):
        return document["apiVersion"], document["kind"], document["metadata"]["name"]

    targets = [resource for resource in all_resources if identity(resource) == identity(change)]
    if len(targets) != 1:
        yield f"a patch is for {identity(change)}, of which there are {len(targets)}"
        return
    for kind in ("initContainers", "containers"):
        there = {container["name"]: container for container in pod_template(targets[0])["spec"].get(kind, [])}
        for container in change["spec"].get("template", {}).get("spec", {}).get(kind, []):
            if container["name"] not in there:
                yield f"a patch changes {kind}: {container['name']}, which is not there"
            else:
                for name in sorted(set(environment_of(container)) - set(environment_of(there[container["name"]]))):
                    yield f"a patch sets {name}, which is not there"


# ---- compose ----------------------------------------------------------------------------------------------------

def compose(document, apps_are_hardened):
    services = document["services"]
    relays = {name: service for name, service in services.items() if is_relay_service(service)}
    if not relays:
        yield "there is no relay"
    holders = {}  # volume of a socket -> the relay that has it
    for name, service in relays.items():
        for problem in compose_relay(service):
            yield f"{name}: {problem}"
        for source, target, flags in mounts_of(service):
            if target == DIRECTORY:
                if source in holders:
                    yield f"{name} and {holders[source]} have one volume for two sockets"
                if source not in document["volumes"] or "ro" in flags:
                    yield f"{name}: its socket is in no volume, or in one that it cannot write"
                holders[source] = name
    if set(holders.values()) != set(relays):
        yield "a relay has no volume for its socket"
    users = {}
    for name, service in services.items():
        path = (service.get("environment") or {}).get("HUBRELAY_SOCKET")
        if name in relays or path is None:
            continue
        source = next((source for source, target, _ in mounts_of(service) if target == path.rpartition("/")[0]), None)
        if source not in holders or path != SOCKET:
            yield f"{name}: no relay has its socket at {path}"
            continue
        users.setdefault(holders[source], []).append(name)
        if service.get("depends_on", {}).get(holders[source]) != {"condition": "service_healthy"}:
            yield f"{name} does not wait for {holders[source]}"
        user, _, _ = image()
        if user.partition(":")[2] not in service.get("group_add", []):
            yield f"{name} is not in the group of the socket"
        for problem in hardened(service) if apps_are_hardened else ():
            yield f"{name}: {problem}"
    for name in sorted(set(relays) - set(users)):
        yield f"nobody uses {name}"
    for name, service in services.items():
        if "healthcheck" not in service:
            yield f"{name} has no healthcheck"
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{name} listens to everybody: {port}"
        for secret in service.get("secrets", []):
            if secret not in document.get("secrets", {}):
                yield f"{name}: there is no secret {secret}"


def hardened(service):
    if service.get("read_only") is not True or service.get("cap_drop") != ["ALL"] or \
            service.get("security_opt") != ["no-new-privileges:true"]:
        yield "it can do more than it has to"


def compose_relay(service):
    environment = service["environment"]
    yield from relay_settings(service.get("command", ["serve"]), environment)
    yield from hardened(service)
    if service.get("build", {}).get("dockerfile") != "deploy/Dockerfile":
        yield "its image is not built from deploy/Dockerfile"
    if service["healthcheck"]["test"] != ["CMD", "hubrelay", "health", "--live"]:
        yield "its healthcheck is not `hubrelay health --live`"
    stop = seconds(environment.get("HUBRELAY_STOP_TIMEOUT", STOP_TIMEOUT))
    if seconds(service.get("stop_grace_period", "10s")) < stop + 10:
        yield "stop_grace_period leaves no ten seconds beside its stop timeout"
    file = environment.get("HUBRELAY_REDIS_PASSWORD_FILE")
    if file is not None and file.rpartition("/")[2] not in service.get("secrets", []):
        yield f"no secret is at {file}"
    if "HUBRELAY_HTTP" in environment:
        yield "HTTP is where the image has it: a healthcheck by [::] fails without IPv6 in the container"


def devcontainer(path):
    """The compose file, the service and the folder that it names are there."""
    document = json.loads(path.read_text())
    file = path.parent / document["dockerComposeFile"]
    if not file.is_file():
        yield f"{document['dockerComposeFile']} is not there"
        return
    service = documents_of(file)[0]["services"].get(document["service"])
    if service is None:
        yield f"there is no service {document['service']}"
    elif document["workspaceFolder"] not in [target for _, target, _ in mounts_of(service)]:
        yield f"nothing is mounted at {document['workspaceFolder']}"
    else:
        listening = {int(port.split(":")[-1]) for port in service.get("ports", [])}
        for port in set(document.get("forwardPorts", [])) - listening:
            yield f"the service has no port {port}"


def mounts_of(service):
    """(source, target, flags) of each volume in the short form."""
    for text in service.get("volumes", []):
        source, target, *flags = text.split(":")
        yield source, target, flags


# ---- all of it --------------------------------------------------------------------------------------------------

def problems():
    """Everything that is wrong, with the file that it is in."""
    by_folder = {}
    for path, document in resources():
        by_folder.setdefault(path.parent.name, []).append(document)
        for problem in resource(path.parent.name, document):
            yield f"{path.relative_to(KUBERNETES.parent)}: {problem}"
    for folder, documents in by_folder.items():
        yield from allowed_users(folder, documents)
    for path in sorted(KUBERNETES.glob("*/kustomization.yaml")):
        for problem in kustomization(path.parent):
            yield f"{path.relative_to(KUBERNETES.parent)}: {problem}"
    for path in COMPOSE_FILES:
        # Under development an app's container is written to.
        for problem in compose(documents_of(path)[0], apps_are_hardened=path.parent.name != "laptop"):
            yield f"{path.relative_to(KUBERNETES.parent)}: {problem}"
    for problem in devcontainer(DEVCONTAINER):
        yield f"{DEVCONTAINER.relative_to(KUBERNETES.parent)}: {problem}"


def main():
    found = list(problems())
    for problem in found:
        print(problem)
    if not found:
        count = len(resources())
        print(f"manifests: the rules hold for {count} resources, "
              f"{len(list(KUBERNETES.glob('*/kustomization.yaml')))} kustomizations, "
              f"{len(COMPOSE_FILES)} compose files")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
