"""Checks manifests against schemas.

    validate.py FILE...        `-` is standard input; exit 1 where something is wrong
    validate.py --by SCHEMA    whether a chart's values, on standard input, fit its own schema

Kubernetes' own kinds are held against the schemas of kubernetes-validate, unknown fields included;
those of Istio, Envoy Gateway, Contour and others against schemas.yaml beside this file.
"""

import json
import sys
from pathlib import Path

import jsonschema
import kubernetes_validate
import yaml

# The oldest with all that the manifests use (native sidecars and the sleep of preStop, both on by
# default), and the newest that the package knows.
RELEASES = ("1.30", kubernetes_validate.latest_version())

OTHERS = yaml.safe_load((Path(__file__).parent / "schemas.yaml").read_text())


def faults(document):
    """What is wrong with one document, in words."""
    kind = f"{document.get('apiVersion')} {document.get('kind')}"
    if kind in OTHERS["kinds"]:
        schema = {**OTHERS["kinds"][kind], "definitions": OTHERS["definitions"]}
        for error in jsonschema.Draft202012Validator(schema).iter_errors(document):
            yield f"{error.json_path}: {error.message}"
        return
    for release in RELEASES:
        try:
            kubernetes_validate.validate(document, release, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{error.json_path}: {error.message} (Kubernetes {release})"
        except kubernetes_validate.SchemaNotFoundError:
            yield f"there is no schema for {kind} (Kubernetes {release})"


def misfits(values, schema):
    """What does not fit a schema of draft 7, each with its place as Helm names it."""
    for error in jsonschema.Draft7Validator(schema).iter_errors(values):
        place = "".join(f"/{step}" for step in error.absolute_path)
        yield f"at '{place}': {error.message}"


def main(files):
    if files[0] == "--by":
        wrong = list(misfits(json.load(sys.stdin), json.loads(Path(files[1]).read_text())))
        print("\n".join(wrong))
        return 1 if wrong else 0
    checked, wrong = 0, 0
    for file in files:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
        for document in filter(None, yaml.safe_load_all(text)):
            checked += 1
            name = document.get("metadata", {}).get("name", "")
            for fault in faults(document):
                wrong += 1
                print(f"{file}: {document.get('kind')} {name}: {fault}")
    print(f"{checked} documents checked")
    return 1 if wrong or not checked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
