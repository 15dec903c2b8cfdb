"""Faust, made exact and fast: everything that mends or extends it, in this folder alone.

A worker is one Faust app. Faust keeps the consumer group, the partition assignment, the tables
with their changelogs, the agents and the web server. Here stand, each with the test that fails
without it (tests/engine):

- `transport` a batch is one event; offsets are committed by the longest acknowledged prefix;
  transactions that were aborted are not seen; the producer is idempotent
- `recovery` all state is read anew after each rebalance, by a consumer of its own; then the
  sources are sought to their commits while nothing is fetched, and may flow
- `table` a table whose changelog records can be awaited, in front of a step's own state
- `stage` the agent that all steps share, a lane a partition: fold, make durable, send on,
  acknowledge; `sender` what it sends goes a produce batch at a time
- `liveness` a worker that stood still says nothing more; `meter` what a stage tells Prometheus
- `app` the app with its settings

docs/exactness.md tells why this is exact. The day that Faust does it by itself, this folder goes.
"""
