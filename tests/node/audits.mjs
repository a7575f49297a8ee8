// The audits of GraphQL over HTTP (npm: graphql-http) against a server: prints a line of JSON for each.
//   node audits.mjs URL AUTHORIZATION USER
import { serverAudits } from "graphql-http";

const [url, authorization, user] = process.argv.slice(2);
const fetchFn = (target, options = {}) =>
  fetch(target, { ...options, headers: { ...options.headers, authorization, "opigno-client-uuid": user } });

for (const audit of serverAudits({ url, fetchFn })) {
  const result = await audit.fn();
  console.log(JSON.stringify({ id: audit.id, name: audit.name, status: result.status, reason: result.reason ?? null }));
  await result.response?.body?.cancel().catch(() => {});
}
