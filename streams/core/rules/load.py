"""Read rules from YAML; every error names the file, the line and the mend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from typing import NamedTuple

import yaml
from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from schemas.errors import ConfigError
from schemas.scope import Scope
from streams.core.rules.active import ActiveTimes
from streams.core.rules.baseline import Baseline
from streams.core.rules.condition import ConditionPart
from streams.core.rules.model import Rule, RuleFile, Selector
from streams.core.rules.templates import Text

_MODELS: dict[str, type[BaseModel]] = {
    "select": Selector,
    "annotations": Text,
    "active_times": ActiveTimes,
    "baseline": Baseline,
    "all_of": ConditionPart,
    "any_of": ConditionPart,
}


class Problem(NamedTuple):
    """One thing that is wrong with a file of rules. Lines count from 1."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}"


class RulesError(ConfigError):
    """A file of rules cannot be used: all that is wrong with it, at once."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in the order they were written, names unique."""

    rules: tuple[Rule, ...] = ()

    def __iter__(self) -> Iterator[Rule]:
        return iter(self.rules)

    def __len__(self) -> int:
        return len(self.rules)

    def get(self, name: str) -> Rule | None:
        """Find a rule by its name."""
        return next((rule for rule in self.rules if rule.name == name), None)

    def watching(self, scope: Scope) -> tuple[Rule, ...]:
        """Give the rules that watch a scope."""
        return tuple(rule for rule in self.rules if rule.selects(scope))


def load_rules(text: str, file: str) -> RuleSet:
    """Read a file of rules from its text.

    Raises:
        RulesError: it cannot be used; each problem with file, line and mend.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            raise RulesError([Problem(file, 1, "no rules here: begin with `rules:` and a list")])
        repeated = [Problem(file, line, why) for line, why in _repeated(node, set())]
        if repeated:
            raise RulesError(repeated)
        data = yaml.SafeLoader("").construct_document(node)
    except yaml.YAMLError as error:
        raise RulesError([_broken(error, file)]) from error
    try:
        return RuleSet(RuleFile.model_validate(data).rules)
    except ValidationError as error:
        raise RulesError([_explain(each, node, file) for each in error.errors()]) from error


def load_default_rules() -> RuleSet:
    """Read the rules that come with callstreams."""
    source = files("streams.core.rules").joinpath("default.yaml")
    return load_rules(source.read_text(encoding="utf-8"), "default.yaml")


def join_rules(sets: Iterable[tuple[str, RuleSet]]) -> RuleSet:
    """Put the rules of several files, each given with its name, into one set.

    Raises:
        ConfigError: two files hold a rule of one name.
    """
    homes: dict[str, str] = {}
    rules: list[Rule] = []
    for file, each in sets:
        for rule in each:
            if rule.name in homes:
                raise ConfigError(
                    f"rule {rule.name!r} stands in {homes[rule.name]} and in {file}: rename one"
                )
            homes[rule.name] = file
            rules.append(rule)
    return RuleSet(tuple(rules))


def rules_schema() -> dict[str, JsonValue]:
    """Give the JSON Schema of a file of rules, for editors that complete and check it."""
    schema = _without_null(RuleFile.model_json_schema())
    assert isinstance(schema, dict)  # noqa: S101 - for mypy: it was one before
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://callstreams.invalid/schemas/rules.json",
        **schema,
        "title": "callstreams rules",
    }


def _without_null(schema: JsonValue) -> JsonValue:
    """Take out `null`, which is how a model says that a key may be left out."""
    if isinstance(schema, list):
        return [_without_null(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {name: _without_null(each) for name, each in schema.items()}
    choices = found.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        found.pop("default", None)
        kept = [each for each in choices if each != {"type": "null"}]
        only = kept[0] if len(kept) == 1 else {"anyOf": kept}
        if isinstance(only, dict):
            del found["anyOf"]
            found = {**only, **found}
    return found


def _broken(error: yaml.YAMLError, file: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return Problem(file, error.problem_mark.line + 1, f"not YAML: {error.problem}")
    return Problem(file, 1, f"not YAML: {' '.join(str(error).split())}")


def _repeated(node: yaml.Node, seen: set[int]) -> Iterator[tuple[int, str]]:
    """Find keys that stand twice in one mapping: YAML readers silently take the last."""
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated(item, seen)
    elif isinstance(node, yaml.MappingNode):
        names: set[str] = set()
        for key, value in node.value:
            if key.value in names and isinstance(key, yaml.ScalarNode):
                yield key.start_mark.line + 1, f"`{key.value}` stands here twice: take one out"
            if isinstance(key, yaml.ScalarNode):
                names.add(key.value)
            yield from _repeated(value, seen)


def _explain(error: ErrorDetails, node: yaml.Node, file: str) -> Problem:
    path: tuple[int | str, ...] = error["loc"]
    context = error.get("ctx", {})
    if "path" in context:
        path = context["path"]
    elif "key" in context:
        path = (*path, context["key"])
    return Problem(file, line_of(node, path), f"{_where(path, node)}{_text(error)}")


def line_of(node: yaml.Node, path: Sequence[int | str]) -> int:
    """Find the line of the deepest part of the path that is written in the file."""
    line = node.start_mark.line + 1
    for part in path:
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == part), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def _where(path: Sequence[int | str], node: yaml.Node) -> str:
    """Name the rule and the key, as the one who wrote the file knows them."""
    words = [str(part) for part in path[2:] if isinstance(part, str)]
    name = _rule_name(node, path)
    return "".join([f"rule {name}: " if name else "", f"{'.'.join(words)}: " if words else ""])


def _rule_name(node: yaml.Node, path: Sequence[int | str]) -> str | None:
    if len(path) < 2 or path[0] != "rules" or not isinstance(path[1], int):
        return None
    if not isinstance(node, yaml.MappingNode):
        return None
    rules = next((value for key, value in node.value if key.value == "rules"), None)
    if not isinstance(rules, yaml.SequenceNode):
        return None
    rule = rules.value[path[1]]
    if isinstance(rule, yaml.MappingNode):
        for key, value in rule.value:
            if key.value == "name":
                return str(value.value)
    return f"number {path[1] + 1}"


def _text(error: ErrorDetails) -> str:
    match error["type"]:
        case "missing":
            return "this key is missing"
        case "extra_forbidden":
            return _unknown_key(error["loc"])
        case "string_type":
            return f"{error['input']!r} is not text: put it in quotes"
        case "string_pattern_mismatch":
            return f"{error['input']!r}: letters, digits, `.`, `_` and `-` alone"
        case "enum":
            return f"{error['input']!r} is unknown: write {error['ctx']['expected']}"
        case "model_type" | "tuple_type" | "dict_type":
            return "this is not the shape of it: see `callstreams rules schema`"
        case _:
            return error["msg"].removeprefix("Value error, ")


def _unknown_key(path: Sequence[int | str]) -> str:
    known = _known_keys(path[:-1])
    near = get_close_matches(str(path[-1]), known, n=1)
    if near:
        return f"unknown key: do you mean `{near[0]}`?"
    return f"unknown key; the keys here are {', '.join(known)}"


def _known_keys(path: Sequence[int | str]) -> list[str]:
    if not path:
        return list(RuleFile.model_fields)
    model = _MODELS.get(str(path[2]), Rule) if path[2:] else Rule
    names = [field.alias or name for name, field in model.model_fields.items()]
    return sorted(names, key=lambda name: name != "name")
