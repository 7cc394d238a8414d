'use strict';

/**
 * frontdesk: tells Hasura that a password was changed: an activity, and the profile as far as it is known here.
 *
 * One signed POST to frontdesk (Standard Webhooks), one deadline, no retry: neither Auth0 nor this Action sends it again.
 * It sends the fields listed in `eventFields`, the transaction's id as a header, and nothing else of the event.
 *
 * Secret: FRONTDESK_HOOK_SECRET, `whsec_<base64>`, one of the tenant's hook secrets in frontdesk's settings.
 *
 * When frontdesk gives no usable answer in time, the log says so and nothing else happens: the password is
 * changed all the same, and the next login brings the whole profile.
 *
 * `frontdesk actions render` fills in the places marked `setting:`. Unrendered, the file calls nobody.
 */

const { createHmac, randomUUID } = require('node:crypto');

const HOOK_URL = /* setting: hook_url */ '';
// Milliseconds for the whole call, to the last byte of the answer; at most 5000.
const DEADLINE_MS = /* setting: deadline_ms */ 1500;
// Bytes of the answer, which says only that it was written.
const MAX_ANSWER_BYTES = 10000;

const USER_FIELDS = [
  'user_id', 'email', 'email_verified', 'username', 'phone_number', 'phone_verified', 'last_password_reset',
];

/** Its message may be logged. */
class CallFailed extends Error {}

/**
 * Runs after the fact; nobody waits for it. Never throws.
 *
 * @param {Event} event - the user and the context
 */
exports.onExecutePostChangePassword = async (event) => {
  const id = `msg_${randomUUID()}`;
  const isProbe = event?.frontdesk_probe === true;
  try {
    const fields = isProbe ? { version: 1, tenant: event.tenant?.id, probe: true } : eventFields(event);
    const answer = await call(id, JSON.stringify(fields), event);
    if (isProbe) console.log('frontdesk: probe: HTTP 200');
    else if (!isDurable(JSON.parse(answer))) throw new CallFailed('an answer that says neither synced nor queued');
  } catch (fault) {
    console.log(isProbe ? `frontdesk: probe: ${describe(fault)}` : `frontdesk: not synced (${describe(fault)}); ${id}`);
  }
};

/** Whether the event stands in the database, or is safely on its way there. */
function isDurable(answer) {
  return answer?.synced === true || answer?.queued === true;
}

/** What frontdesk gets to know; what is unset is absent. Never secrets, the request's body or query. */
function eventFields(event) {
  return present({
    version: 1,
    trigger: 'post-change-password',
    tenant: event.tenant?.id,
    user: pick(event.user, USER_FIELDS),
    connection: pick(event.connection, ['id', 'name', 'strategy']),
    request: pick(event.request, ['ip', 'user_agent']),
    transaction: pick(event.transaction, ['correlation_id']),
  });
}

function present(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

function pick(from, names) {
  return from ? present(Object.fromEntries(names.map((name) => [name, from[name]]))) : undefined;
}

/** Signs by the Standard Webhooks scheme. */
function signedHeaders(id, body, secret) {
  const [, key] = /^\s*whsec_([A-Za-z0-9+/]{32,}={0,2})\s*$/.exec(secret) ?? [];
  if (!key) throw new CallFailed('the secret FRONTDESK_HOOK_SECRET is missing or not whsec_<base64>');
  const timestamp = Math.floor(Date.now() / 1000);
  const hmac = createHmac('sha256', Buffer.from(key, 'base64')).update(`${id}.${timestamp}.${body}`);
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${hmac.digest('base64')}`,
  };
}

/** The id under which every log of frontdesk tells of this: Auth0's own where a header can carry it, else the call's. */
function requestId(transaction, id) {
  const isSafe = (own) => typeof own === 'string' && /^[A-Za-z0-9._:-]{1,64}$/.test(own);
  return [transaction?.id, transaction?.correlation_id].find(isSafe) ?? id;
}

/** Gives what `work` gives, or fails at the deadline; nothing of it goes on afterwards. */
async function withinDeadline(work) {
  const stop = new AbortController();
  let timer;
  const deadline = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new CallFailed(`no answer within ${DEADLINE_MS} ms`)), DEADLINE_MS);
  });
  try {
    // Raced, not only aborted: some versions of fetch lose the signal (nodejs/undici#1926).
    return await Promise.race([work(stop.signal), deadline]);
  } finally {
    clearTimeout(timer);
    stop.abort();
  }
}

/** Sends the one call and gives the text of the answer. */
async function call(id, body, event) {
  const signed = signedHeaders(id, body, event.secrets?.FRONTDESK_HOOK_SECRET);
  const headers = { ...signed, 'x-request-id': requestId(event.transaction, id) };
  if (!HOOK_URL) throw new CallFailed('this Action is not rendered: it has no URL');
  return withinDeadline(async (signal) => {
    const response = await fetch(HOOK_URL, { method: 'POST', headers, body, signal, redirect: 'error' });
    if (response.status !== 200) throw new CallFailed(`HTTP ${response.status}`);
    return readBounded(response);
  });
}

async function readBounded(response) {
  const chunks = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new CallFailed(`an answer above ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** Why it failed; messages of others stay out, since fetch and JSON.parse quote what they were given. */
function describe(fault) {
  if (fault instanceof CallFailed) return fault.message;
  const code = String(fault?.cause?.code ?? fault?.name);
  return /^\w{1,40}$/.test(code) ? code : 'unknown fault';
}
