// The token, and requests that carry it. It goes in a header: never in an address or a cookie.

import { byId, remember, remembered } from "./dom.js";
import { onLanguage, t } from "./i18n.js";

let token = remembered("token") ?? fromAddress();
let pen = null; // the token that may write, if it is another; never remembered
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

/** Ask for a token, to read with or to write with; gives whether the person has given one. */
export function signIn({ toWrite = false } = {}) {
  if (signedIn) return signedIn;
  wrong = (toWrite ? pen : token) !== null;
  const dialog = byId("sign-in");
  byId("sign-in-title").dataset.t = toWrite ? "signInWrite" : "signIn";
  byId("remember").parentElement.hidden = toWrite;
  signedIn = new Promise((resolve) => {
    say();
    byId("token").value = "";
    dialog.showModal();
    byId("sign-in-form").onsubmit = (event) => {
      event.preventDefault();
      const given = byId("token").value.trim();
      if (toWrite) pen = given;
      else {
        token = given;
        remember("token", byId("remember").checked ? token : null);
      }
      signedIn = null;
      dialog.close();
      resolve(true);
    };
    // without a token nothing can be read, and much without one to write with
    dialog.oncancel = (event) => {
      if (!toWrite) event.preventDefault();
      else {
        signedIn = null;
        resolve(false);
      }
    };
  });
  return signedIn;
}

function say() {
  for (const element of byId("sign-in").querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
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

/** POST or DELETE; asks for the token that may write where the present one may not. */
export async function send(method, path, body) {
  const shown = pen ? { Authorization: `Bearer ${pen}` } : headers();
  const answer = await fetch(`/api/v1/${path}`, { method, headers: { ...shown, "Content-Type": "application/json" }, body: body && JSON.stringify(body) });
  if ((answer.status === 401 || answer.status === 403) && (await signIn({ toWrite: true }))) return send(method, path, body);
  const said = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(said.error), { status: answer.status });
  return said;
}
