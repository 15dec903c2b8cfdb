"""Back-test: rules over calls that have been, on the event clock, through the worker's own core.

- `rows` what is replayed; `files` and `kafka` where it comes from
- `machine` the worker's steps without Kafka; `replay` the clock that drives them
- `onset` when the trouble began; `episodes` what fired, for how long, and how it compares
- `probe`, `picture` one scope's rate over time, drawn
- `tests` and `series` rules' own tests, in promtool's manner
"""
