// The service worker of build __BUILD__, release __RELEASE__: the site opens on a bad connection, and never shows an older release
// than the network has. Pages come from the network first; files of this build, whose address names their content, from the cache.

const CACHE = "wheels-and-wins-__BUILD__";
const ASSETS = "/assets/__BUILD__/";
const PAGE = "/";

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));

self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin) return;
  if (request.mode === "navigate") event.respondWith(networkFirst(request));
  else if (pathname.startsWith(ASSETS) && search === "") event.respondWith(cacheFirst(request));
});

async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function networkFirst(request) {
  try {
    const answer = await fetch(request);
    if (answer.ok && isHtml(answer)) await keep(PAGE, answer.clone());
    return answer;
  } catch {
    return (await caches.match(PAGE, { cacheName: CACHE })) ?? Response.error();
  }
}

async function cacheFirst(request) {
  const found = await caches.match(request, { cacheName: CACHE });
  if (found !== undefined) return found;
  const answer = await fetch(request);
  // The host answers a file that it does not have with the page: that must never be kept as the file.
  if (answer.ok && !isHtml(answer)) await keep(request, answer.clone());
  return answer;
}

function isHtml(answer) {
  return (answer.headers.get("Content-Type") ?? "").startsWith("text/html");
}

async function keep(request, answer) {
  const cache = await caches.open(CACHE);
  await cache.put(request, answer).catch(() => {}); // the disk may be full
}
