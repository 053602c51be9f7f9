"""Compares Portvakt's verdicts with PyJWT's: what PyJWT refuses must not have been let through.

The first line of the file holds the keys, names and time; each other one a token, whether it was
let through, and for what reason. PyJWT knows nothing of access policies, and reads repeated
members, other spellings of base64url and much else without complaint: that it accepts more is
expected, and counted.
"""

import collections
import datetime
import json
import sys

import jwt

# What PyJWT refuses and Portvakt lets through for a good reason.
DOCUMENTED = {
    "InvalidSubjectError": "sub decides nothing here; null is handed on as if it were not there",
}


def verifier(expected):
    """A function that returns the name of PyJWT's exception, or None where it accepts."""

    class Frozen(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(expected["now"], tz)

    jwt.api_jwt.datetime = Frozen
    keys = {key["kid"]: jwt.PyJWK(key, algorithm="RS256") for key in expected["keys"]["keys"]}

    def verdict(token):
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                issuer=expected["issuer"],
                audience=expected["audience"],
                leeway=60,
                options={"require": ["exp", "iat", "iss", "aud"]},
            )
        except Exception as error:  # Whatever it stumbles over: it does not accept.
            return type(error).__name__
        return None

    return verdict


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        verdict = verifier(json.loads(next(file)))
        counts = collections.Counter()
        cases, disagreements = 0, []
        for line in file:
            cases += 1
            token, allowed, reason = json.loads(line)
            refusal = verdict(token)
            counts[allowed, refusal is None] += 1
            if not allowed or refusal is None:
                continue
            if refusal in DOCUMENTED:
                counts["documented"] += 1
            else:
                disagreements.append(f"PyJWT {refusal}, Portvakt {reason}: {token}")
    print(*disagreements[:5], sep="\n", end="\n" if disagreements else "")
    print(
        f"cases {cases} (PyJWT {jwt.__version__}), allowed by both {counts[True, True]}, "
        f"refused by both {counts[False, False]}, refused by Portvakt alone {counts[False, True]}, "
        f"documented differences {counts['documented']}, disagreements {len(disagreements)}"
    )
    return 1 if disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
