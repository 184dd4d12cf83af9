// The page works, and requests something from a port where nobody listens: the request fails on the network.

fetch("http://127.0.0.1:2/collect", { method: "POST", mode: "no-cors", body: "visit" }).catch(() => undefined);
