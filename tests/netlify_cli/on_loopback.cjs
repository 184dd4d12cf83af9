// Loaded into Netlify's command line tool. It has the address of one service built in, api.netlifysdk.com: that too is asked of the
// stand-in, and nothing else that is not on the stand-in's host is asked at all.

const api = new URL(process.env.NETLIFY_API_URL);
const send = globalThis.fetch;

globalThis.fetch = (input, options) => {
  const asked = new URL(input.url ?? input);
  if (asked.hostname === "api.netlifysdk.com") return send(new URL(asked.pathname + asked.search, api.origin), options);
  if (asked.hostname !== api.hostname) return Promise.reject(new Error(`not the stand-in: ${asked.hostname}`));
  return send(input, options);
};
