"""The file of rules that a worker follows: read at the start, and again whenever it changes."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from schemas.errors import ConfigError
from streams.core.rules import Rule, RuleSet, load_default_rules, load_rules
from streams.core.rules.durations import write_duration
from streams.core.rules.windows import Over
from streams.settings import StreamsSettings

log = logging.getLogger("callstreams")


def read_rules(settings: StreamsSettings) -> RuleSet:
    """Read the rules that the configuration names, or the built-in ones.

    Raises:
        ConfigError: they cannot be used; the text names file, line and mend.
    """
    rules = (
        load_default_rules()
        if settings.rules is None
        else load_rules(_read(settings.rules), str(settings.rules))
    )
    check_windows(rules, settings)
    return rules


def check_windows(rules: Iterable[Rule], settings: StreamsSettings) -> None:
    """See that each window of a rule is kept so long.

    Raises:
        ConfigError: one is not; the text names the rule and the mend.
    """
    for rule in rules:
        for condition in rule.conditions:
            for part in condition.window.parts:
                if isinstance(part, Over) and part.seconds > settings.keep:
                    raise ConfigError(
                        f"rule {rule.name}: a window of {part.name()} is longer than calls are "
                        f"kept ({write_duration(settings.keep)}): "
                        f"add {part.name()} to streams.windows"
                    )


class RuleFile:
    """Follows the file of rules.

    Args:
        settings: name the file; without one there is nothing to follow.
        rules: those in force, as they were read at the start.
    """

    def __init__(self, settings: StreamsSettings, rules: RuleSet) -> None:
        self._settings = settings
        self._rules = rules
        self._seen: str | None = None
        self._told: str | None = None

    def poll(self) -> RuleSet | None:
        """Give the new rules where the file has changed; a bad file is told once and left.

        The rules in force stay until the file is right again.
        """
        path = self._settings.rules
        if path is None:
            return None
        try:
            text = _read(path)
        except ConfigError as error:
            self._complain(str(error), error)
            return None
        if text == self._seen:
            return None
        self._seen = text
        try:
            rules = load_rules(text, str(path))
            check_windows(rules, self._settings)
        except ConfigError as error:
            self._complain(text, error)
            return None
        self._told = None
        if rules == self._rules:
            return None
        self._rules = rules
        log.info("the rules have changed: %d are in force", len(rules))
        return rules

    def _complain(self, about: str, error: ConfigError) -> None:
        if about != self._told:
            self._told = about
            log.error("the rules stay as they were, since the new ones are wrong:\n%s", error)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"streams.rules: {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"streams.rules: {path} is not UTF-8: save it as UTF-8") from error
