"""Faust, made exact and fast: everything that mends or extends it, in this folder alone.

A worker is one Faust app. Faust keeps the consumer group, the partition assignment, the tables
with their changelogs, the agents and the web server. Here stand, each with the test that fails
without it (tests/engine):

- `transport` a batch is one event; offsets are committed by the longest acknowledged prefix;
  transactions that were aborted are not seen; the producer is idempotent
- `recovery` a partition is sought to its committed offset before it may flow, and all state is
  read anew after each rebalance
- `table` a table whose changelog records can be awaited, in front of a step's own state
- `stage` the agent that all steps share: fold, make durable, send on, acknowledge
- `app` the app with its settings

docs/exactness.md tells why this is exact. The day that Faust does it by itself, this folder goes.
"""
