"""Rules: thresholds, their evidence, and the life of an alert. Pure; time is an argument.

- `model` a rule as a value; `durations`, `windows`, `metrics`, `templates` its parts
- `load` YAML into rules, with errors that name file, line and mend
- `group` what `group_by` counts together
- `judge` counts into a verdict; `decide` verdicts into transitions
- `words` all of it in English and Chinese
"""

from streams.core.rules.decide import decide, fingerprint, retire
from streams.core.rules.load import (
    RulesError,
    RuleSet,
    join_rules,
    load_default_rules,
    load_rules,
    rules_schema,
)
from streams.core.rules.model import Rule
from streams.core.rules.windows import Measured, View

__all__ = [
    "Measured",
    "Rule",
    "RuleSet",
    "RulesError",
    "View",
    "decide",
    "fingerprint",
    "join_rules",
    "load_default_rules",
    "load_rules",
    "retire",
    "rules_schema",
]
