"""Hooks: a process of its own that reads `alerts` and tells people.

- `settings` receivers, routes and patience
- `intake` from `alerts` to a notice for each receiver
- `pipeline/` the pure stages: what is told, to whom, when, and once
- `outbox` the notices that are ours, and the sending
- `delivery` tries again what can be tried again; what cannot becomes a dead letter
- `receivers/` one module a receiver
- `silences`, `knowledge` what is silent
- `service` the loop that joins them

Delivery is at least once: an offset on `alerts` is committed when the notices stand in Kafka, and
a notice stands there until its receiver has it, or the dead letters do. A receiver knows a
repeated alert by its id.
"""
