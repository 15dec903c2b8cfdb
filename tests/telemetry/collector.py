"""An OTLP/HTTP collector that keeps what it is sent."""

import gzip
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Told:
    """One span."""

    def __init__(self, service, span):
        self.service = service
        self.name = span.name
        self.trace_id = span.trace_id.hex()
        self.span_id = span.span_id.hex()
        self.parent_id = span.parent_span_id.hex()
        self.links = {link.trace_id.hex() for link in span.links}
        self.attributes = {
            each.key: each.value.string_value or each.value.int_value for each in span.attributes
        }
        self.failed = span.status.code == 2

    def touches(self, trace_id):
        return trace_id == self.trace_id or trace_id in self.links


class Collector:
    """Listens at `endpoint` while it is open."""

    def __init__(self):
        self.requests = []
        requests = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                assert self.path == "/v1/traces"
                requests.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                """Be quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, daemon=True).start()

    def spans(self, name=None, service=None):
        """Give what has come of this name and service, or of any."""
        found = [
            Told(_service(of.resource), span)
            for request in list(self.requests)
            for of in request.resource_spans
            for scope in of.scope_spans
            for span in scope.spans
        ]
        return [
            each for each in found if name in (None, each.name) and service in (None, each.service)
        ]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


def _service(resource):
    (name,) = [each for each in resource.attributes if each.key == "service.name"]
    return name.value.string_value
