"""Checks the manifests and compose files by the schemas of Kubernetes, of the Prometheus operator, and of compose.

Runs in the environment that `environment` prints. What kubectl makes of the kustomizations is checked, too, where
kubectl is installed.
"""
import importlib.metadata
import json
import shutil
import subprocess

import kubernetes_validate
import yaml
from jsonschema import ValidationError
from jsonschema.validators import validator_for

from manifests import COMPOSE_FILES, KUBERNETES, documents_of, resources

#: The first version with native sidecars, and the newest one that the package knows.
VERSIONS = ("1.29", "1.37")


def check_resource(document):
    """Raises for what Kubernetes would refuse: a wrong type, a missing or an unknown field."""
    if document["apiVersion"] == "monitoring.coreos.com/v1":
        check_pod_monitor(document)
        return
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            place = ".".join(map(str, error.absolute_path))
            raise ValidationError(f"{document['kind']} in Kubernetes {version}: {place}: {error.message}") from None


def check_pod_monitor(document):
    from cloudcoil.models.prometheus_operator import v1  # takes some seconds
    model = getattr(v1, document["kind"]).model_validate(document)
    # An unknown field is in the document and not in what the class has kept of it.
    if model.model_dump(by_alias=True, exclude_unset=True, mode="json") != document:
        raise ValidationError(f"{document['kind']} has a field that the Prometheus operator does not know")


def compose_schema():
    package = importlib.metadata.distribution("check-jsonschema")
    path = str(package.locate_file("check_jsonschema/builtin_schemas/vendor/compose-spec.json"))
    with open(path) as file:
        schema = json.load(file)
    return validator_for(schema)(schema)


def can_build():
    """Whether there is a kubectl that knows components: older ones don't tell which kustomize they have in them."""
    if not shutil.which("kubectl"):
        return False
    done = subprocess.run(["kubectl", "version", "--client", "--output", "json"],
                          capture_output=True, text=True, check=False)
    return done.returncode == 0 and "kustomizeVersion" in json.loads(done.stdout)


def built(folder):
    """What `kubectl kustomize` makes of a folder."""
    done = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ValidationError(f"kubectl kustomize: {done.stderr.strip()}")
    return list(yaml.safe_load_all(done.stdout))


def problems(with_kubectl):
    for path, document in resources():
        yield from problem_of(f"{path.parent.name}/{path.name}", check_resource, document)
    schema = compose_schema()
    for path in COMPOSE_FILES:
        for error in schema.iter_errors(documents_of(path)[0]):
            yield f"{path.parent.name}/{path.name}: {'.'.join(map(str, error.absolute_path))}: {error.message}"
    if with_kubectl:
        for path in sorted(KUBERNETES.glob("*/kustomization.yaml")):
            if documents_of(path)[0]["kind"] == "Kustomization":
                yield from problem_of(f"{path.parent.name}, built", check_built, path.parent)


def check_built(folder):
    for document in built(folder):
        check_resource(document)


def problem_of(name, check, subject):
    try:
        check(subject)
    except (ValidationError, ValueError) as error:  # pydantic's error is a ValueError
        yield f"{name}: {getattr(error, 'message', error)}"


def main():
    with_kubectl = can_build()
    found = list(problems(with_kubectl))
    for problem in found:
        print(problem)
    if not found:
        print(f"schemas: valid for Kubernetes {' and '.join(VERSIONS)}, the Prometheus operator and compose")
        if not with_kubectl:
            print("no kubectl from 1.24 on is here: the kustomizations are not built")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
