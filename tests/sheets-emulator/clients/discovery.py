"""The discovery document that Google's client for Python ships, reduced to what requests are checked by.

    python clients/discovery.py src/rest/discovery.json           writes it anew
    python clients/discovery.py --check src/rest/discovery.json   fails if it is not this client's
"""

import json
import pathlib
import sys

import googleapiclient

KEPT = ("type", "format", "$ref", "enum", "repeated")


def shape(schema):
    kept = {word: schema[word] for word in KEPT if word in schema}
    if "properties" in schema:
        kept["properties"] = {name: shape(inner) for name, inner in schema["properties"].items()}
    for inside in ("items", "additionalProperties"):
        if inside in schema:
            kept[inside] = shape(schema[inside])
    return kept


def methods(resources):
    for resource in resources.values():
        for method in resource.get("methods", {}).values():
            query = {name: shape(one) for name, one in method.get("parameters", {}).items() if one["location"] == "query"}
            yield method["id"].removeprefix("sheets."), {"query": query, "request": method.get("request", {}).get("$ref")}
        yield from methods(resource.get("resources", {}))


def reduced(document):
    """One line for each method and message, so that a new revision shows what it changes."""
    lines = lambda shapes: ",\n".join(f"{json.dumps(name)}: {json.dumps(shapes[name], sort_keys=True)}" for name in sorted(shapes))
    parts = {
        "parameters": {name: shape(one) for name, one in document["parameters"].items()},
        "methods": dict(methods(document["resources"])),
        "schemas": {name: shape(one) for name, one in document["schemas"].items()},
    }
    body = ",\n".join(f'"{part}": {{\n{lines(shapes)}\n}}' for part, shapes in parts.items())
    return f'{{\n"revision": "{document["revision"]}",\n{body}\n}}\n'


source = pathlib.Path(googleapiclient.__file__).parent / "discovery_cache/documents/sheets.v4.json"
text = reduced(json.loads(source.read_text()))
target = pathlib.Path(sys.argv[-1])
if "--check" not in sys.argv:
    target.write_text(text)
elif target.read_text() != text:
    sys.exit(f"{target} is not the reduction of {source}; write it anew: python clients/discovery.py {target}")
