"""Dead letters after the fact: read them, and replay them once their cause is mended.

- `letters` what a letter is by now: whole or slim, replayed or not; and where it goes back to
- `reading` reads them from Kafka
- `replaying` puts them back
- `retelling` has receivers told again
"""
