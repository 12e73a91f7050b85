"""The part of JSON Schema that docs/openapi.json uses: enough to hold every answer of the admin API against it."""
import json
import pathlib
import re

DOCUMENT = json.loads((pathlib.Path(__file__).resolve().parents[2] / "docs" / "openapi.json").read_text())
ANY_CALL = (401, 403, 405, 415, 429)  # the description's first words tell of them, for all calls
TYPES = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool, "null": type(None)}


def faults(value, schema, where="$"):
    """Sentences on what of `value` is not as the schema says."""
    if "$ref" in schema:
        return faults(value, DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]], where)
    if "anyOf" in schema:
        all_of_them = [faults(value, s, where) for s in schema["anyOf"]]
        return [] if any(not f for f in all_of_them) else all_of_them[0]
    wanted = schema.get("type", [])
    wanted = wanted if isinstance(wanted, list) else [wanted]
    if wanted and not any(isinstance(value, TYPES[t]) and (t not in ("integer", "number") or not isinstance(value, bool)) for t in wanted):
        return [f"{where} is {value!r}, not {wanted}"]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where} is {value!r}, none of {schema['enum']}")
    if isinstance(value, dict):
        known = schema.get("properties", {})
        found += [f"{where}.{name} is missing" for name in schema.get("required", []) if name not in value]
        for name, member in value.items():
            if name in known:
                found += faults(member, known[name], f"{where}.{name}")
            elif schema.get("additionalProperties") is False:
                found.append(f"{where}.{name} is not described")
            elif isinstance(schema.get("additionalProperties"), dict):
                found += faults(member, schema["additionalProperties"], f"{where}.{name}")
    if isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            found += faults(item, schema["items"], f"{where}[{i}]")
    return found


def described(method, path):
    """The operation of a call: the path with the longest fixed text that fits."""
    best = None
    for pattern, item in DOCUMENT["paths"].items():
        expression = re.sub(r"\\\{[a-z]+\\\}", "(.+)", re.escape(pattern))
        if re.fullmatch(expression, path.split("?")[0]) and method.lower() in item and (best is None or len(pattern) > len(best)):
            best = pattern
    assert best, f"{method} {path} is not described"
    return DOCUMENT["paths"][best][method.lower()]


def check(method, path, status, answer):
    """Holds an answer against the description of its call."""
    operation = described(method, path)
    if status in ANY_CALL and str(status) not in operation["responses"]:
        found = faults(answer, {"$ref": "#/components/schemas/Error"})
        assert not found, f"{method} {path} {status}: {found[:5]}"
        return
    assert str(status) in operation["responses"], f"{method} {path}: {status} is not described: {answer}"
    content = operation["responses"][str(status)].get("content", {}).get("application/json")
    found = faults(answer, content["schema"]) if content else []
    assert not found, f"{method} {path} {status}: {found[:5]}\n{json.dumps(answer)[:2000]}"
