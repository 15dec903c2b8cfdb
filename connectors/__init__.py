"""The edge of callstreams: everything that speaks to somebody else.

- `vendors/<name>/` each vendor's protocol: auth, client, payloads, mapper, source
- `poller/` the runtime that all polled sources share: cursors, rate budgets, publishing
- `ingress/` the HTTP server that vendors push to
- `hooks/` the receivers of alerts
- `broker/` Apache Kafka without Docker, for the demo and the tests
- `simulators/` the vendors' servers as their documents describe them, for the demo and the tests

One door to each library: `http` (httpx), `kafka` (aiokafka), `web` (aiohttp), `crypto`
(cryptography). Nothing else imports them.
"""
