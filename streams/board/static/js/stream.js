// Server-sent events by fetch, so that the token travels in a header; it comes back by itself.

import { headers, signIn } from "./access.js";

const SILENT_MS = 15_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 10_000;

/**
 * Follow the events of a window.
 * `told(kind, data, number)` gets each event; `stood(state, seconds)` how the connection is:
 * connecting, live, or offline with the seconds until it is tried again.
 */
export function follow(window, told, stood) {
  let stopped = false;
  let control = null;
  let last = null;
  let wait = FIRST_WAIT_MS;
  let wake = () => {};

  const run = async () => {
    while (!stopped) {
      stood("connecting");
      try {
        await once();
      } catch {
        // whatever it was: the connection is gone, and is tried again
      }
      if (stopped) return;
      stood("offline", Math.ceil(wait / 1000));
      await new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, wait * (0.8 + 0.4 * Math.random()));
      });
      wait = Math.min(LONGEST_WAIT_MS, wait * 2);
    }
  };

  const once = async () => {
    control = new AbortController();
    let watchdog = null;
    const heard = () => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => control.abort(), SILENT_MS);
    };
    heard();
    try {
      const asked = window ? `?window=${encodeURIComponent(window)}` : "";
      const answer = await fetch(`/api/v1/events${asked}`, {
        headers: { ...headers(), ...(last ? { "Last-Event-ID": last } : {}) },
        signal: control.signal,
        cache: "no-store",
      });
      if (answer.status === 401) {
        clearTimeout(watchdog);
        await signIn();
        wait = 0;
        return;
      }
      if (!answer.ok) throw new Error(String(answer.status));
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let rest = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        heard();
        const parts = (rest + value).split("\n\n");
        rest = parts.pop();
        for (const part of parts) take(part);
      }
    } finally {
      clearTimeout(watchdog);
    }
  };

  const take = (text) => {
    let kind = "message";
    let data = "";
    for (const line of text.split("\n")) {
      if (line.startsWith("event: ")) kind = line.slice(7);
      else if (line.startsWith("id: ")) last = line.slice(4);
      else if (line.startsWith("data: ")) data += line.slice(6);
    }
    if (!data) return;
    wait = FIRST_WAIT_MS;
    stood("live");
    told(kind, JSON.parse(data), Number((last ?? "-0").split("-")[1]));
  };

  addEventListener("online", () => wake());
  run();
  return () => {
    stopped = true;
    control?.abort();
    wake();
  };
}
