// The page works, and asks the API for something that does not exist: the request is answered with an error status.

fetch("/config.json")
  .then((answer) => answer.json())
  .then((config) => fetch(`${config.apiUrl}/api/v1/recommendations`))
  .catch(() => undefined);
