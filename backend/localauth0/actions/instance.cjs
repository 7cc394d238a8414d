'use strict';
// One instance of one Action: loads its source once, then runs the handler for each message. Every call on `api` is
// sent out at the moment it is made, so that an execution which never returns has still told what it did.

const { isBuiltin } = require('node:module');
const { format } = require('node:util');
const vm = require('node:vm');
const { parentPort, workerData } = require('node:worker_threads');

const { buildApi } = require('./api.cjs');

let currentRun = null;

function send(message) {
  parentPort.postMessage({ run: currentRun, ...message });
}

function log(...args) {
  if (currentRun !== null) send({ kind: 'log', text: format(...args) });
}

globalThis.console = Object.fromEntries(
  ['debug', 'dir', 'error', 'info', 'log', 'trace', 'warn'].map((level) => [level, log]),
);

function requireForAction(id) {
  if (isBuiltin(id)) return require(id);
  const error = new Error(`Cannot find module '${id}': localauth0 has no package dependencies for Actions`);
  error.code = 'MODULE_NOT_FOUND';
  throw error;
}

let loaded = null;

function load() {
  if (loaded === null) {
    const module = { exports: {} };
    const parameters = ['exports', 'require', 'module'];
    const wrapped = vm.compileFunction(workerData.code, parameters, { filename: `${workerData.name}.js` });
    wrapped.call(module.exports, module.exports, requireForAction, module);
    loaded = module.exports;
  }
  return loaded;
}

async function run({ trigger, handler, event, cache }) {
  const exported = load();
  if (typeof exported[handler] !== 'function') throw new Error(`The Action does not export ${handler}`);
  const run = currentRun;
  const record = (call, args) => {
    if (currentRun === run) send({ kind: 'command', command: { call, args } });
  };
  await exported[handler](event, buildApi(trigger, record, cache, event));
}

parentPort.on('message', async (message) => {
  currentRun = message.run;
  let error = null;
  try {
    await run(message);
  } catch (thrown) {
    const { name = 'Error', message = thrown, stack = '' } = thrown ?? {};
    error = { name: String(name), message: String(message), stack: String(stack) };
  }
  send({ kind: 'done', error });
  currentRun = null;
});
