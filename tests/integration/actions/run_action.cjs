'use strict';
// Runs an Action as Auth0 would, and tells what it did. Standard input: {"action": path, "events": [event, …]}; the
// events run one after the other in one instance. Standard output: [{calls, logs, thrown, fetches, elapsed_ms,
// timers_left}, …].
// The real fetch is counted, not replaced. The process ends by itself only when the Action left nothing running.

const { readFileSync } = require('node:fs');
const { format } = require('node:util');

const input = JSON.parse(readFileSync(0, 'utf8'));
let run = null;

for (const level of ['debug', 'error', 'info', 'log', 'trace', 'warn']) {
  console[level] = (...args) => run.logs.push(format(...args));
}

const realFetch = globalThis.fetch;
globalThis.fetch = (...args) => {
  run.fetches += 1;
  return realFetch(...args);
};

/** Any `api.a.b(…)` is recorded as ['a.b', …]. */
function recorder(path) {
  return new Proxy(() => {}, {
    get: (_, name) => recorder([...path, name]),
    apply: (_, __, args) => void run.calls.push([path.join('.'), ...structuredClone(args)]),
  });
}

function deepFreeze(value) {
  if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze);
  return value;
}

async function main() {
  const [handler] = Object.values(require(input.action));
  const runs = [];
  for (const event of input.events) {
    run = { calls: [], logs: [], thrown: null, fetches: 0 };
    runs.push(run);
    const start = performance.now();
    try {
      await handler(deepFreeze(event), recorder([]));
    } catch (thrown) {
      run.thrown = String(thrown);
    }
    run.elapsed_ms = performance.now() - start;
    run.timers_left = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  }
  process.stdout.write(JSON.stringify(runs));
}

main();
