// The token, and requests that carry it. It goes in a header: never in an address or a cookie.

import { byId, remember, remembered } from "./dom.js";
import { onLanguage, t } from "./i18n.js";

let token = remembered("token") ?? fromAddress();
let signedIn = null;
let wrong = false;

function fromAddress() {
  // a wall display may be started with #token=…; the fragment is never sent, and is taken away
  const match = /^#token=(.+)$/.exec(location.hash);
  if (!match) return null;
  history.replaceState(null, "", location.pathname + location.search);
  return decodeURIComponent(match[1]);
}

export const headers = () => (token ? { Authorization: `Bearer ${token}` } : {});

/** Ask for a token; done when the person has given one. */
export function signIn() {
  if (signedIn) return signedIn;
  wrong = token !== null;
  const dialog = byId("sign-in");
  signedIn = new Promise((resolve) => {
    say();
    byId("token").value = "";
    dialog.showModal();
    byId("sign-in-form").onsubmit = (event) => {
      event.preventDefault();
      token = byId("token").value.trim();
      remember("token", byId("remember").checked ? token : null);
      signedIn = null;
      dialog.close();
      resolve();
    };
  });
  dialog.oncancel = (event) => event.preventDefault();
  return signedIn;
}

function say() {
  byId("sign-in-wrong").textContent = wrong ? t("wrongToken") : "";
}
onLanguage(say);

/** GET a path of the API as JSON; throws an Error with what the server said. */
export async function get(path, query = {}) {
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of [value].flat()) if (each !== null && each !== undefined) asked.append(name, each);
  }
  const answer = await fetch(`/api/v1/${path}?${asked}`, { headers: headers() });
  if (answer.status === 401) {
    await signIn();
    return get(path, query);
  }
  const said = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(said.error), { status: answer.status });
  return said;
}
