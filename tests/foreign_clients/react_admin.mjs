// react-admin's data provider for Hasura, without a browser: reads an order from stdin, prints what each call gave.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

// The package and the Apollo client below it are CommonJS; one loader keeps them on one copy of `graphql`.
const require = createRequire(import.meta.url);
const buildProvider = require("ra-data-hasura").default;

const { url, token, calls } = JSON.parse(readFileSync(0, "utf8"));
const provider = await buildProvider({
  clientOptions: { uri: `${url}/v1/graphql`, headers: { Authorization: `Bearer ${token}` } },
});

const results = [];
for (const [method, resource, parameters] of calls) {
  try {
    results.push(await provider[method](resource, parameters));
  } catch (error) {
    results.push({ error: error.message });
  }
}
process.stdout.write(JSON.stringify(results));
