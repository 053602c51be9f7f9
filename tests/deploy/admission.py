"""Judges objects as a ValidatingAdmissionPolicy does.

    admission.py POLICY        reads [[object, namespace], ...] as JSON, prints [true, ...]

The expressions are those of the policy, evaluated by cel-python. Of Kubernetes' own functions it has
none: `split` is made here, as the API server has it.
"""

import json
import sys
from pathlib import Path

import celpy
import yaml
from celpy import celtypes

ENVIRONMENT = celpy.Environment()


def split(text, separator):
    """`string.split` of Kubernetes' CEL."""
    return celtypes.ListType([celtypes.StringType(part) for part in text.split(separator)])


def evaluate(expression, variables):
    """What an expression comes to; errors are raised, and refuse by the policy's own word."""
    program = ENVIRONMENT.program(ENVIRONMENT.compile(expression), functions={"split": split})
    return program.evaluate(variables)


def admits(policy, subject, namespace):
    """Whether each validation holds."""
    known = {"object": celpy.json_to_cel(subject), "namespaceObject": celpy.json_to_cel(namespace)}
    known["variables"] = celtypes.MapType()
    for variable in policy["variables"]:
        name = celtypes.StringType(variable["name"])
        known["variables"][name] = evaluate(variable["expression"], known)
    return all(evaluate(rule["expression"], known) for rule in policy["validations"])


def main(file):
    policy = next(yaml.safe_load_all(Path(file).read_text()))["spec"]
    print(json.dumps([bool(admits(policy, *pair)) for pair in json.load(sys.stdin)]))


if __name__ == "__main__":
    main(sys.argv[1])
