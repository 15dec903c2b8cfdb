"""Which changes of a JSON Schema break somebody: a reader of old messages, or an old reader."""

import json

_SAME = (
    "const", "format", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "minLength", "maxLength", "minItems", "maxItems", "multipleOf",
)  # fmt: skip


def breaks(old, new):
    """Give a sentence for each change that breaks; none for a change that only adds."""
    return list(_breaks("", old, new, old, new))


def _breaks(path, old, new, old_root, new_root):
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    where = path or "the message"
    if old.get("type") != new.get("type"):
        yield f"{where}: type was {old.get('type')}, is {new.get('type')}"
        return
    yield from _values(where, old, new)
    for word in _SAME:
        if old.get(word) != new.get(word):
            yield f"{where}: {word} was {old.get(word)}, is {new.get(word)}"
    yield from _fields(path, old, new, old_root, new_root)
    for word, step in (("items", "[]"), ("additionalProperties", ".*")):
        before, after = old.get(word), new.get(word)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from _breaks(path + step, before, after, old_root, new_root)
        elif before != after:
            yield f"{where}: {word} was {json.dumps(before)}, is {json.dumps(after)}"
    before, after = old.get("anyOf", []), new.get("anyOf", [])
    if len(before) != len(after):
        yield f"{where}: anyOf had {len(before)} forms, has {len(after)}"
    else:
        for one, other in zip(before, after, strict=True):
            yield from _breaks(path, one, other, old_root, new_root)


def _values(where, old, new):
    if ("enum" in old) != ("enum" in new):
        yield f"{where}: it was {'' if 'enum' in old else 'not '}one of a few values"
    for value in old.get("enum", []):
        if value not in new.get("enum", [value]):
            yield f"{where}: {value!r} is no value any more; messages with it are still there"
    for value in new.get("enum", []):
        if value not in old.get("enum", [value]):
            yield f"{where}: {value!r} is a value that readers do not know"


def _fields(path, old, new, old_root, new_root):
    before, after = old.get("properties", {}), new.get("properties", {})
    always, now_always = old.get("required", []), new.get("required", [])
    for name, schema in before.items():
        where = f"{path}.{name}".lstrip(".")
        if name not in after:
            yield f"{where}: the field is gone"
            continue
        yield from _breaks(where, schema, after[name], old_root, new_root)
        if name in always and name not in now_always:
            yield f"{where}: it was always there, and may be left out now"
        if name not in always and name in now_always and "default" not in after[name]:
            yield f"{where}: it is needed now, and old messages may lack it"
    for name in after.keys() - before.keys():
        if name in now_always and "default" not in after[name]:
            yield f"{path}.{name}: a new field is needed, and old messages lack it".lstrip(".")


def _resolved(schema, root):
    while "$ref" in schema:
        beside = {word: value for word, value in schema.items() if word != "$ref"}
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = target | beside
    return schema
