"""The poller: turns sources into raw topics, exactly once.

- `runtime` one process: joins the group, starts and stops the sources of its accounts
- `assignment` which accounts belong to which partition of the cursors topic
- `loop` one source: poll, publish, wait, for ever
- `schedule` what an outcome means: when to poll next, and in which state the source is
- `publisher` records and cursor in one Kafka transaction
- `restore` reads cursor and memory back from Kafka
- `memory` what was published lately, by subject
- `pushes`, `unpushed` what the polls have brought and the vendor's pushes have not
- `telling` the statuses on their topic
- `backfill` the past, beside live polling
- `status`, `settings`, `clock` the values that the others share
"""

from connectors.poller.assignment import AccountKey
from connectors.poller.runtime import Poller, run_poller
from connectors.poller.settings import PollerSettings
from connectors.poller.status import SourceStatus, State

__all__ = ["AccountKey", "Poller", "PollerSettings", "SourceStatus", "State", "run_poller"]
