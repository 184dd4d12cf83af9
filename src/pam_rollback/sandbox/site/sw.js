// The service worker of build __BUILD__, release __RELEASE__: the site opens on a bad connection, and never shows an older release
// than the network has. Pages come from the network first; files of this build, whose address names their content, from the cache.

const CACHE = "wheels-and-wins-__BUILD__";
const ASSETS = "/assets/__BUILD__/";
const PAGE = "/";
// What says the truth of this moment is none of the worker's business.
const LIVE = new Set(["/health", "/version.json", "/config.json", "/asset-manifest.json", "/sw.js"]);

self.addEventListener("install", (event) => event.waitUntil(self.skipWaiting()));

self.addEventListener("activate", (event) => event.waitUntil(takeOver()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin || LIVE.has(pathname)) return;
  if (request.mode === "navigate") event.respondWith(networkFirst(event));
  else if (pathname.startsWith(ASSETS) && search === "") event.respondWith(cacheFirst(event));
});

async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function networkFirst(event) {
  try {
    const answer = await fetch(event.request);
    if (answer.ok && isHtml(answer)) event.waitUntil(keep(PAGE, answer.clone()));
    return answer;
  } catch {
    return (await kept(PAGE)) ?? Response.error();
  }
}

async function cacheFirst(event) {
  const found = await kept(event.request);
  if (found !== undefined) return found;
  try {
    const answer = await fetch(event.request);
    // The host answers a file that it does not have with the page: that must never be kept as the file.
    if (answer.ok && !isHtml(answer)) event.waitUntil(keep(event.request, answer.clone()));
    return answer;
  } catch {
    return Response.error();
  }
}

function isHtml(answer) {
  return (answer.headers.get("Content-Type") ?? "").startsWith("text/html");
}

async function kept(request) {
  try {
    return await caches.match(request, { cacheName: CACHE });
  } catch {
    return undefined; // a browser without storage has a network
  }
}

async function keep(request, answer) {
  try {
    const cache = await caches.open(CACHE);
    await cache.put(request, answer);
  } catch {
    // Nothing is lost but speed: the disk may be full.
  }
}
