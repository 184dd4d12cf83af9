// A service worker that went wrong, built for release __RELEASE__: it keeps its whole build and asks the network for none of it again.

const CACHE = "wheels-and-wins-stuck-__BUILD__";
const PAGE = __PAGE__;
const FILES = __FILES__;
const LIVE = new Set(["/health", "/version.json", "/config.json", "/asset-manifest.json", "/sw.js"]);

self.addEventListener("install", (event) => event.waitUntil(keepEverything()));

self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin || LIVE.has(pathname)) return;
  if (request.mode === "navigate") event.respondWith(thePage());
  else if (FILES.includes(pathname)) event.respondWith(theFile(request));
});

async function keepEverything() {
  const cache = await caches.open(CACHE);
  await cache.addAll(FILES);
  await self.skipWaiting();
}

function thePage() {
  return new Response(PAGE, { headers: { "Content-Type": "text/html; charset=utf-8" } });
}

async function theFile(request) {
  return (await caches.match(request, { cacheName: CACHE })) ?? fetch(request);
}
