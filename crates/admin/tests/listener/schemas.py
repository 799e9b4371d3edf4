"""Holds values against the schemas of an OpenAPI document. Each line of standard input is the name of a schema, and a value."""

import json
import sys

import jsonschema_rs

with open(sys.argv[1], encoding="utf-8") as file:
    components = json.load(file)["components"]
checked = 0
for line in sys.stdin:
    name, value = json.loads(line)
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    try:
        jsonschema_rs.validate(schema, value)
    except jsonschema_rs.ValidationError as error:
        sys.exit(f"{name}: {error}")
    checked += 1
print(checked)
