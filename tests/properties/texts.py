"""Texts that software gets wrong."""

import unicodedata

E_ACUTE = "\u00e9"

ODD_TEXTS = [
    "a b",
    "'; DROP TABLE gorkflow_workflowrun; --",
    'say "hi"',
    "back\\slash",
    "dots.and[brackets]",
    "a__b",
    "$.path",
    "%s %(x)s {0}",
    "0",
    "-1",
    "1_000",
    "null",
    "true",
    "\u0967",
    "\U0001f600 \U0001f469\u200d\U0001f467",
    "\u202eabc\u202c",
    "\u200b",
    "\ufeffbom",
    "\ufffe\uffff",
    "\u2028\u2029",
    "tab\tnewline\n",
    E_ACUTE,
    unicodedata.normalize("NFD", E_ACUTE),
    "x" * 200,
    "\U0001f600" * 200,
]


def lookalikes():
    """Texts that a careless comparison takes for equal."""
    return [
        "a",
        "A",
        "a ",
        " a",
        "a\u200b",
        "\u00e1",
        unicodedata.normalize("NFD", "\u00e1"),
        "\uff41",
        "\u0430",
        "ss",
        "\u00df",
        "I",
        "i",
        "\u0131",
        "\U0001f600",
        "\U0001f601",
        "\u212a",
        "k",
        "K",
    ]
