"""Hooks: a process of its own that reads `alerts` and tells people.

- `settings` receivers, routes and patience
- `pipeline` the pure stages: what is told, to whom, and once
- `progress` which offsets are done
- `delivery` tries again what can be tried again; what cannot becomes a dead letter
- `receivers/` one module a receiver
- `service` the loop that joins them

Delivery is at least once: an offset is committed when every receiver has its alert, or the
dead letters do. A receiver knows a repeated alert by its id.
"""
