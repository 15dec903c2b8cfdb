"""All services as they are started in production, with a receiver of alerts."""

import json
import sys
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

from connectors.broker.ports import free_ports
from connectors.broker.process import Child
from connectors.health import PORTS
from tests.ingress.conftest import SECRET, push

NUMBER = "075512345678"
CUSTOMER = "15512346818"
RULES = """
rules:
  - name: low
    metric: answer_rate
    select: {vendor: icsoc, kind: display_number}
    window: 1m
    below: 90%
    min_attempts: 5
    severity: warning
"""


class House:
    """`callstreams` processes, each with its own telemetry port.

    The vendor that is polled refuses every connection.
    """

    def __init__(self, kafka, folder, **environment):
        self._folder = folder
        self._environment = [f"{name}={value}" for name, value in environment.items()]
        self._children = {}
        nobody, ingress, board, *telemetry = free_ports(3 + len(PORTS))
        self.ports = dict(zip(PORTS, telemetry, strict=True))
        self.ingress = f"http://127.0.0.1:{ingress}/push/icsoc/main"
        self.delivered = []
        self._inbox = _inbox(self.delivered)
        rules = folder / "rules.yaml"
        rules.write_text(RULES)
        self._config = folder / "callstreams.yaml"
        self._config.write_text(
            json.dumps(
                {
                    "kafka": {"bootstrap_servers": kafka},
                    "accounts": [
                        {
                            "vendor": "7moor",
                            "name": "main",
                            "base_url": f"http://127.0.0.1:{nobody}",
                            "appkey": "1",
                            "secret": "s",
                            "request_gap": 0.2,
                        },
                        {"vendor": "icsoc", "name": "main", "push": {"secrets": [SECRET]}},
                    ],
                    "ingress": {"port": ingress},
                    "board": {"port": board},
                    "streams": {
                        "windows": ["1m"],
                        "pane": "1s",
                        "tell_every": 0.2,
                        "idle_after": "1s",
                        "rules": str(rules),
                    },
                    "hooks": {
                        "receivers": [
                            {
                                "name": "wall",
                                "url": f"http://127.0.0.1:{self._inbox.server_port}/",
                                "format": "alertmanager",
                            }
                        ]
                    },
                }
            )
        )

    def start(self, *services):
        for name in services:
            command = ["env", *self._environment, sys.executable, "-m", "streams.cli", name]
            command += ["--config", str(self._config)]
            command += ["--telemetry-port", str(self.ports[name])]
            self._children[name] = Child(command, self._folder / f"{name}.log")

    def address(self, name):
        return f"http://127.0.0.1:{self.ports[name]}"

    def log(self, name):
        return (self._folder / f"{name}.log").read_text()

    def ask(self, name, path):
        """Give the answer; None while nobody listens."""
        child = self._children.get(name)
        assert child is None or child.running, (self._folder / f"{name}.log").read_text()
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.address(name)}{path}", trust_env=False)
        return None

    def is_ready(self, name):
        answer = self.ask(name, "/readyz")
        return answer is not None and answer.status_code == 200

    def terminate(self, name):
        child = self._children.pop(name)
        child.terminate()
        return child

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for child in [self.terminate(name) for name in list(self._children)]:
            child.wait(20)
        self._inbox.shutdown()
        self._inbox.server_close()


def call(number, ended, *, result="0", display_number=NUMBER):
    """Push a call that ended at this moment (Unix s)."""
    record = {
        "call_id": f"68115358180{number}",
        "caller": display_number,
        "called": CUSTOMER,
        "start_time": str(int(ended) - 20),
        "end_time": str(int(ended)),
        "callresult": result,
        "user_data": {"proid": "10195", "taskid": "7"},
    }
    return push(json.dumps(record))


def _inbox(delivered):
    """Take alerts in: the headers and the body of each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            delivered.append((dict(self.headers), json.loads(body)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return server
