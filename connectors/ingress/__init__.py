"""The HTTP server that vendors push to.

A push is answered with success only once Kafka has it. What a push of some vendor is, the
vendor's own receiver says (`contract.Receiver`); this package knows none of them by name.

- `contract` what is asked of a receiver
- `app` the HTTP side: limits, answers, back-pressure
- `access` who may reach it
- `openapi` its description of itself
- `telling` how the pushes fare, on the topic of the sources
- `settings`, `service` the configuration, and the wiring to Kafka
"""
