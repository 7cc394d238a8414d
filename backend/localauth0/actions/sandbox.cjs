'use strict';
// The supervisor of Action instances: reads one JSON request per line on stdin, answers one JSON line per request on
// stdout. Foreign code never runs in this thread, so it always answers, and it ends when stdin ends: nothing outlives
// the Python process, however that one dies.
//
// An instance is a worker thread that has loaded one Action. It runs one execution at a time and is then used again,
// so module-level state survives between executions as it does at Auth0. A second concurrent execution gets a second
// instance. What does not return in time is terminated, and takes nothing else with it.

const path = require('node:path');
const readline = require('node:readline');
const vm = require('node:vm');
const { Worker } = require('node:worker_threads');

const MAX_IDLE_INSTANCES = 8; // per Action
const MAX_LOG_CHARS = 256; // Auth0 keeps this much console output per execution
const MAX_COMMANDS = 1000; // per execution: an endless loop of api calls must not fill the memory
const INSTANCE_MEMORY_MB = 256;

const idle = new Map(); // key of an Action -> instances waiting for work
let generation = 0; // raised by "forget": older instances are not used again

// JSON.stringify writes half a surrogate pair as an escape; on its way out of Auth0 it becomes U+FFFD like any other
// text that has no UTF-8. An escaped backslash is matched only so that what follows it is left alone.
const LONE_SURROGATE = /\\(?:\\|ud[89a-f][0-9a-f]{2})/g;

function answer(message) {
  const line = JSON.stringify(message).replace(LONE_SURROGATE, (found) => (found === '\\\\' ? found : '\\ufffd'));
  process.stdout.write(line + '\n');
}

function newInstance(action) {
  const worker = new Worker(path.join(__dirname, 'instance.cjs'), {
    workerData: { name: action.name, code: action.code },
    env: {},
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: INSTANCE_MEMORY_MB },
  });
  worker.stdout.resume();
  worker.stderr.resume();
  const instance = { key: action.key, generation, worker, run: null };
  worker.on('message', (message) => receive(instance, message));
  worker.on('error', (error) => drop(instance, describe(error)));
  worker.on('exit', () => drop(instance, { name: 'Error', message: 'The Action ended its own process.' }));
  return instance;
}

function describe(error) {
  return { name: String(error?.name ?? 'Error'), message: String(error?.message ?? error), stack: String(error?.stack ?? '') };
}

/** Compiles the code of a build and runs nothing of it. */
function check({ id, check: code }) {
  let fault = null;
  try {
    vm.compileFunction(code, ['exports', 'require', 'module']);
  } catch (error) {
    fault = `${error.name}: ${error.message}`;
  }
  answer({ id, fault });
}

function receive(instance, message) {
  const run = instance.run;
  if (run === null || message.run !== run.id) return; // a late callback of an execution that is over
  if (message.kind === 'done') finish(instance, message.error);
  else if (message.kind === 'log') run.logs = (run.logs + message.text + '\n').slice(0, MAX_LOG_CHARS);
  else if (run.commands.length < MAX_COMMANDS) run.commands.push(message.command);
  else stop(instance, { name: 'RangeError', message: `The Action made more than ${MAX_COMMANDS} calls on api.` });
}

function finish(instance, error) {
  const run = instance.run;
  instance.run = null;
  clearTimeout(run.timer);
  answer({
    id: run.id,
    commands: run.commands,
    logs: run.logs,
    duration_ms: performance.now() - run.startedAt,
    error: error ?? null,
  });
  keep(instance);
}

function keep(instance) {
  const waiting = idle.get(instance.key) ?? [];
  if (instance.dead) return;
  if (instance.generation !== generation || waiting.length >= MAX_IDLE_INSTANCES) {
    instance.worker.terminate();
    return;
  }
  waiting.push(instance);
  idle.set(instance.key, waiting);
}

function drop(instance, error) {
  instance.dead = true;
  const waiting = idle.get(instance.key) ?? [];
  idle.set(instance.key, waiting.filter((other) => other !== instance));
  if (instance.run !== null) finish(instance, error);
}

function stop(instance, error) {
  drop(instance, error);
  instance.worker.terminate();
}

function execute(request) {
  const instance = idle.get(request.action.key)?.pop() ?? newInstance(request.action);
  const late = { name: 'TimeoutError', message: request.timeout_message };
  const timer = setTimeout(() => stop(instance, late), request.timeout_ms);
  instance.run = { id: request.id, commands: [], logs: '', startedAt: performance.now(), timer };
  const { id, trigger, handler, event, cache } = request;
  instance.worker.postMessage({ run: id, trigger, handler, event, cache });
}

function forget() {
  generation += 1;
  for (const instances of idle.values()) instances.forEach((instance) => instance.worker.terminate());
  idle.clear();
}

readline
  .createInterface({ input: process.stdin })
  .on('line', (line) => {
    const request = JSON.parse(line);
    if (request.forget) forget();
    else if (typeof request.check === 'string') check(request);
    else execute(request);
  })
  .on('close', () => process.exit(0));

answer({ ready: process.version });
