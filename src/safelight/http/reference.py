"""/docs: the API reference, written from the OpenAPI document without a script or a foreign host.

The usual pages load megabytes from a CDN: nothing for a server that may have no internet.
"""

from __future__ import annotations

import functools
from html import escape
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

# No script at all; the form of the policy is that of the studio's pages.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #8886; font-size: 1.1rem }
code, pre { font: 13px/1.45 ui-monospace, monospace }
h3 code { font-size: 14px }
table { border-collapse: collapse; width: 100% }
td, th { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0 }
td:first-child { white-space: nowrap }
tr + tr td { border-top: 1px solid #8883 }
small { opacity: .75 }
"""


def add_reference(app: FastAPI) -> None:
    """Serve the reference at /docs."""
    written = functools.cache(lambda: _page(app.openapi()))

    @app.get("/docs", include_in_schema=False)
    async def reference(_: Request) -> HTMLResponse:
        headers = {"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}
        return HTMLResponse(written(), headers=headers)


def _page(document: dict[str, Any]) -> str:
    info, schemas = document["info"], document["components"]["schemas"]
    operations = "".join(
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{escape(info["title"])} API</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_STYLE}</style></head>
<body><main><h1>{escape(info["title"])} API <small>{escape(info["version"])}</small></h1>
<p>{escape(info["description"])}</p>
<p>For programs: <a href="/openapi.json">/openapi.json</a>.</p>
<h2>Calls</h2>{operations}
<h2>Shapes</h2>{"".join(_shape(name, schema) for name, schema in sorted(schemas.items()))}
</main></body></html>"""


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = [
        (
            f"{parameter['name']} <small>{parameter['in']}</small>",
            _type(parameter["schema"]),
            parameter.get("description", parameter["schema"].get("description", "")),
        )
        for parameter in operation.get("parameters", ())
    ]
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        parameters.append((f"body <small>{escape(kind)}</small>", _type(content["schema"]), ""))
    answers = [
        (f"{status} <small>answer</small>", _answer(answer), answer.get("description", ""))
        for status, answer in operation["responses"].items()
    ]
    about = operation.get("description", "")
    return (
        f"<h3 id='{escape(operation['operationId'])}'><code>{method.upper()} {escape(path)}</code>"
        f"</h3><p>{escape(about)}</p>{_table(parameters + answers)}"
    )


def _answer(answer: dict[str, Any]) -> str:
    kinds = [
        _type(content["schema"]) if "schema" in content else escape(kind)
        for kind, content in answer.get("content", {}).items()
    ]
    return ", ".join(kind for kind in kinds if kind)


def _shape(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (
            escape(field) + ("" if field in required else " <small>may be left out</small>"),
            _type(inner),
            inner.get("description", ""),
        )
        for field, inner in schema.get("properties", {}).items()
    ]
    about = escape(schema.get("description", ""))
    body = _table(rows) if rows else f"<p>{_type(schema)}</p>"
    return f"<h3 id='{escape(name)}'><code>{escape(name)}</code></h3><p>{about}</p>{body}"


def _table(rows: list[tuple[str, str, str]]) -> str:
    """Rows of a name (HTML), a type (HTML) and words (text)."""
    cells = "".join(
        f"<tr><td><code>{name}</code></td><td>{kind}</td><td>{escape(words)}</td></tr>"
        for name, kind, words in rows
    )
    return f"<table>{cells}</table>" if rows else ""


def _type(schema: dict[str, Any]) -> str:
    """A schema in a few words, with links to the shapes it names."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    for word in ("anyOf", "oneOf", "allOf"):
        if word in schema:
            return " | ".join(dict.fromkeys(_type(inner) for inner in schema[word]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kind = escape(schema.get("format") or schema.get("type") or "anything")
    return f"{kind}{_bounds(schema)}"


def _bounds(schema: dict[str, Any]) -> str:
    """ ", 1..8" for a number or a length, where the schema has limits."""
    low = schema.get("minimum", schema.get("minLength"))
    high = schema.get("maximum", schema.get("maxLength"))
    if low is None and high is None:
        return ""
    return f", {'' if low is None else low}..{'' if high is None else high}"
