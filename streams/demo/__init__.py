"""The demo: the whole product at work on simulated vendors, on this machine, in a minute.

- `plan` the configuration that it runs with; `rules.yaml` its rules
- `processes` the real commands as child processes
- `watch` what stands on the topics; `screen` shows it
- `verdict` compares it with what the simulators know to be right
- `run` all of it in order
"""
