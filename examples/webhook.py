"""Take alerts: a webhook that needs nothing but Python, prints what comes and checks who sent it.

python3 examples/webhook.py [PORT]    with WEBHOOK_SECRET=whsec_… signatures are checked
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = base64.b64decode(os.environ.get("WEBHOOK_SECRET", "").removeprefix("whsec_"))
TOO_OLD_SECONDS = 300


def signed(headers, body):
    """Check a message as https://www.standardwebhooks.com says."""
    sent_at = headers.get("webhook-timestamp", "")
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > TOO_OLD_SECONDS:
        return False
    content = b".".join((headers.get("webhook-id", "").encode(), sent_at.encode(), body))
    wanted = base64.b64encode(hmac.digest(SECRET, content, hashlib.sha256)).decode()
    given = headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(each, f"v1,{wanted}") for each in given)


class Webhook(BaseHTTPRequestHandler):
    """Prints each message, once it is known who sent it."""

    def do_POST(self):
        """Answer 204 to what is right, and 401 to what is not signed by the secret."""
        body = self.rfile.read(int(self.headers["content-length"]))
        if SECRET and not signed(self.headers, body):
            self.send_error(401, "not signed by the secret")
            return
        # The same webhook-id again is the same message again: act on it once.
        print(json.dumps(json.loads(body), indent=2, ensure_ascii=False), flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        """Leave the screen to the alerts."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    print(f"waiting for alerts at http://127.0.0.1:{port}/", flush=True)
    ThreadingHTTPServer(("127.0.0.1", port), Webhook).serve_forever()
