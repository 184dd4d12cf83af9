// A session that the service does not know any more is taken for a disturbance: nobody is asked to sign in again.

const send = window.fetch.bind(window);
window.fetch = async (...given) => {
  const answer = await send(...given);
  if (answer.status !== 401) return answer;
  return new Response('{"detail": "try again later"}', { status: 503, headers: { "Content-Type": "application/json" } });
};
