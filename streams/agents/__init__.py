"""The agents: steps at work on topics.

- `normalise` raw records into calls, tallies, missed calls and campaigns
- `tell` totals into metrics and alerts, on a timer
- `traced` whose trace a batch and an alert belong to
- counting and summing are core steps run as they are (streams/topology.py)
"""
