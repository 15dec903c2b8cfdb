"""The wallboard (大屏) and its JSON API: reads the compacted topics into memory and serves them.

```
Kafka ──reader──> state ──queries──> app (JSON)
                    └────hub──────> app (server-sent events) ──> static/ (the page)
```

- `records`, `cells`, `history`, `recent`, `alerts`, `sources`, `silences`, `state` what is known,
  from bytes; no Kafka, HTTP or clock
- `questions`, `answers`, `queries`, `standing`, `masking` what is asked and told of it
- `hub`, `frames` changes, written once per tick for all browsers
- `access`, `operations`, `openapi`, `replies`, `app` the HTTP side
- `reader`, `service` the Kafka side, and the process
"""
