"""The contract of callstreams: what stands on each Kafka topic, and how it is keyed.

- `envelope` the raw record and its CloudEvents headers
- `call`, `tally`, `missed_call`, `campaign` the vocabulary that all vendors are mapped to
- `scope`, `metric` what is counted together, and the counts
- `alert`, `dead_letter` what the pipeline says when it must be heard
- `topics` the catalogue: name, key, model, partitions, retention
- `errors` the error tree

It imports pydantic and the standard library, and nothing else.
"""
