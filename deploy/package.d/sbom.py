"""Writes a bill of materials as CycloneDX 1.5: what a statically linked hubrelay is made of.

    SOURCE_DATE_EPOCH=... sbom.py PROGRAM COMPONENTS VERSION SWIFT >sbom.cdx.json

COMPONENTS: components.tsv of deploy/package.d/libraries; SWIFT: the compiler's version. The Swift packages are those of
Package.swift, where each has one exact version. The same input gives the same bytes.
"""
import datetime
import hashlib
import json
import os
import pathlib
import platform
import re
import sys
import urllib.parse
import uuid

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "Package.swift"
SWIFT_LICENCE = "Apache-2.0 WITH Swift-exception"


def swift_packages(text):
    """{name: (url, version)} of the packages in a Package.swift that the program is linked with: not those whose every
    use is under a trait."""
    found = {}
    for url, version in re.findall(r'\.package\(\s*url: "([^"]+)",\s*exact: "([^"]+)"\)', text):
        name = url.rpartition("/")[2].removesuffix(".git")
        uses = re.findall(rf'\.product\(\s*name: "\w+",\s*package: "{re.escape(name)}"([^)]*)', text)
        if any("traits:" not in use for use in uses):
            found[name] = (url, version)
    return found


def component(name, version, licence, purl):
    return {"type": "library", "bom-ref": purl, "name": name, "version": version,
            "licenses": [{"expression": licence}], "purl": purl}


def swift_components(packages, swift):
    for name, (url, version) in packages.items():
        yield component(name, version, SWIFT_LICENCE, f"pkg:swift/{url.partition('//')[2]}@{version}")
    yield component("Swift runtime, Foundation Essentials and libdispatch", swift, SWIFT_LICENCE,
                    f"pkg:swift/github.com/swiftlang/swift@{swift}")


def c_components(table):
    """Debian's source packages, of lines with library, licence, source package and version."""
    for line in table.splitlines():
        name, licence, source, version = line.split("\t")
        purl = f"pkg:deb/debian/{source}@{urllib.parse.quote(version, safe='')}?arch=source"
        yield component(name, version, licence, purl)


def bill(program, version, components, moment):
    """The document for a program of these bytes."""
    created = datetime.datetime.fromtimestamp(moment, datetime.timezone.utc)
    digest = hashlib.sha256(program).hexdigest()
    purl = f"pkg:generic/hubrelay@{version}"
    main = {"type": "application", "bom-ref": purl, "name": "hubrelay", "version": version, "purl": purl,
            "licenses": [{"expression": "Apache-2.0"}], "hashes": [{"alg": "SHA-256", "content": digest}],
            "properties": [{"name": "architecture", "value": platform.machine()}]}
    return {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'{purl}#{digest}')}",
        "metadata": {"timestamp": f"{created:%Y-%m-%dT%H:%M:%SZ}", "component": main},
        "components": components,
        "dependencies": [{"ref": purl, "dependsOn": [each["bom-ref"] for each in components]}],
    }


def main(program, table, version, swift):
    components = [*swift_components(swift_packages(PACKAGE.read_text()), swift),
                  *c_components(pathlib.Path(table).read_text())]
    document = bill(pathlib.Path(program).read_bytes(), version, components, int(os.environ["SOURCE_DATE_EPOCH"]))
    json.dump(document, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main(*sys.argv[1:])
