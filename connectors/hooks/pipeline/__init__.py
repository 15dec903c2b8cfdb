"""The stages between the topic and the receivers: pure, and time is an argument.

route (who) -> mute (silences, inhibition) -> group (when, and together with what) -> once, within
the receiver's rate budget

- `routing` names the receivers of an alert, and how they want it grouped
- `muting` tells what is silent at a moment
- `desk` is the state machine of one receiver: what is due, and what became of it
- `rate` is the receiver's budget
"""
