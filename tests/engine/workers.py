"""Real worker processes, to be killed."""

import json
import sys

from connectors.broker.process import Child


class Workers:
    """`callstreams worker` processes on one configuration."""

    def __init__(self, kafka, folder, **streams):
        self._folder = folder
        self._config = folder / "callstreams.yaml"
        content = {
            "kafka": {"bootstrap_servers": kafka.bootstrap_servers},
            "streams": {"tell_every": 0.2, "idle_after": "2s", **streams},
        }
        self._config.write_text(json.dumps(content))
        self._children = []
        self._started = 0

    def start(self):
        """Start one more."""
        self._started += 1
        log = self._folder / f"worker-{self._started}.log"
        command = [sys.executable, "-m", "streams.cli", "worker", "-v", "-c", str(self._config)]
        self._children.append(Child(command, log))

    def kill(self, index):
        """End one as a power cut does, and start another."""
        self._children.pop(index % len(self._children)).kill()
        self.start()

    def leave(self, index):
        """Let one end in peace, and start another."""
        child = self._children.pop(index % len(self._children))
        self.start()
        child.terminate()
        child.wait(20)

    def check(self):
        """See that none has ended by itself."""
        for child in self._children:
            assert child.running, self.logs()

    def stop(self):
        """End all."""
        for child in self._children:
            child.terminate()
        for child in self._children:
            child.wait(20)
        self._children.clear()

    def logs(self):
        """Give the ends of the logs."""
        return "\n".join(
            f"--- {path.name}\n" + "\n".join(path.read_text().splitlines()[-25:])
            for path in sorted(self._folder.glob("worker-*.log"))
        )
