"""What the streams decide: pure, without Kafka, HTTP or clock.

- `step` what a stage is asked and what it answers
- `counts`, `panes` what is counted, and where in event time
- `fence`, `ledger` why nothing counts twice: fenced panes, and what each key said at which offset
- `calls`, `tallies` the two counters; `totals` the sums over input partitions, and the windows
- `metrics` counts into metrics; `wilson` their intervals
- `alerting`, `evaluate` which rules watch which scopes, and when; `siblings` what stands beside
- `rules` thresholds, their evidence, and the life of an alert
"""
