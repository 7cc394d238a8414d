// The Hasura adapter of Auth.js: a person signs in with a provider, comes back, and leaves.
import { readFileSync } from "node:fs";
import { HasuraAdapter } from "@auth/hasura-adapter";

const { url, adminSecret, steps } = JSON.parse(readFileSync(0, "utf8"));
const adapter = HasuraAdapter({ endpoint: `${url}/v1/graphql`, adminSecret });

// `$user.id` in an order means the id of an earlier answer; times travel as {"at": …} and become Dates.
const answers = {};
function resolve(value) {
  if (typeof value === "string" && value.startsWith("$")) {
    return value.slice(1).split(".").reduce((found, key) => found[key], answers);
  }
  if (value === null || typeof value !== "object") return value;
  if ("at" in value) return new Date(value.at);
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolve(each)]));
}

for (const [name, method, argument] of steps) {
  try {
    answers[name] = (await adapter[method](resolve(argument))) ?? null;
  } catch (error) {
    answers[name] = { error: error.message };
  }
}
process.stdout.write(JSON.stringify(answers));
