// The two hosts of the product: Supabase for accounts and rows, the API for PAM. Who is signed in stays in this browser.

const KEY = "wheels-and-wins.session";
let services = { backend: "", supabase: "", key: "" };

/** Says where the services are; false when it was not said. */
export function connect(found) {
  services = found;
  return Object.values(found).every((value) => value !== "");
}

export function session() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return kept.expires_at * 1000 > Date.now() ? kept : null;
  } catch {
    return null;
  }
}

export function signOut() {
  localStorage.removeItem(KEY);
}

export async function signIn(email, password) {
  const kept = await supabase("/auth/v1/token?grant_type=password", "POST", { email, password });
  localStorage.setItem(KEY, JSON.stringify(kept));
}

/** Rows that this account may see, by PostgREST's query. */
export const rows = (table, query) => supabase(`/rest/v1/${table}?${query}`, "GET");

export const addRow = (table, row) => supabase(`/rest/v1/${table}`, "POST", row);

export async function api(path, body = null) {
  return answered(
    await fetch(services.backend + path, {
      method: body === null ? "GET" : "POST",
      headers: { ...token(), ...(body === null ? {} : { "Content-Type": "application/json" }) },
      body: body === null ? null : JSON.stringify(body),
    }),
  );
}

/** PAM's own line, one for as long as the page is there: it greets when it can be talked to. */
export function talk({ ready, said, lost }) {
  const { access_token: token, user } = session();
  const line = new WebSocket(`${services.backend.replace(/^http/, "ws")}/api/v1/pam/ws/${user.id}?token=${token}`);
  line.addEventListener("message", (event) => {
    const told = JSON.parse(event.data);
    if (told.type === "connection") ready();
    else if (told.type === "chat_response" || told.type === "error") said(told.content ?? told.message);
  });
  line.addEventListener("close", lost);
  return line;
}

async function supabase(path, method, body = null) {
  return answered(
    await fetch(services.supabase + path, {
      method,
      headers: { apikey: services.key, ...token(), "Content-Type": "application/json" },
      body: body === null ? null : JSON.stringify(body),
    }),
  );
}

function token() {
  const kept = session();
  return kept === null ? {} : { Authorization: `Bearer ${kept.access_token}` };
}

async function answered(response) {
  const text = await response.text();
  const body = text === "" ? null : JSON.parse(text);
  if (!response.ok) throw new Error(body?.msg ?? body?.message ?? body?.detail ?? `HTTP ${response.status}`);
  return body;
}
