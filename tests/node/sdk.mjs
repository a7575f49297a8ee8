// Asks a started Laurel through Trophy's own library, and prints what it got as JSON.
import trophySdk from "@trophyso/node";

const { TrophyApiClient, TrophyApiError } = trophySdk;
const [url, apiKey] = process.argv.slice(2);
const trophy = new TrophyApiClient({ apiKey, environment: { api: `${url}/v1`, admin: `${url}/admin/v1` } });
const user = { id: "node user", email: "node@example.com", tz: "Europe/Lisbon" };

async function refused(call) {
  try {
    await call();
    return null;
  } catch (error) {
    return { isApiError: error instanceof TrophyApiError, status: error.statusCode, body: error.body };
  }
}

const today = new Date().toISOString().slice(0, 10);
const tomorrow = new Date(Date.now() + 86400000).toISOString().slice(0, 10);
const said = {};
said.identified = await trophy.users.identify(user.id, { email: user.email, tz: user.tz });
said.event = await trophy.metrics.event("words", { user, value: 12.5, idempotencyKey: "one" });
said.again = await trophy.metrics.event("words", { user, value: 12.5, idempotencyKey: "one" });
said.completed = await trophy.achievements.complete("onboarded", { user });
said.all = await trophy.achievements.all();
said.pro = await trophy.achievements.all({ userAttributes: "plan:pro" });
said.achievements = await trophy.users.achievements(user.id, { includeIncomplete: "true" });
said.metric = await trophy.users.singleMetric(user.id, "words");
said.metrics = await trophy.users.allMetrics(user.id);
said.summary = await trophy.users.metricEventSummary(user.id, "words", {
  aggregation: "daily",
  startDate: today,
  endDate: tomorrow,
});
said.streak = await trophy.users.streak(user.id, { historyPeriods: 3 });
said.user = await trophy.users.get(user.id);
said.updated = await trophy.users.update(user.id, { name: "Node" });
said.unknown = await refused(() => trophy.users.get("nobody at all"));
said.unknownMetric = await refused(() => trophy.metrics.event("nothing", { user, value: 1 }));
said.badKey = await refused(() =>
  new TrophyApiClient({ apiKey: "no key", environment: { api: url, admin: url } }).achievements.all(),
);
console.log(JSON.stringify(said));
