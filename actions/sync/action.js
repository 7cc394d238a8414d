'use strict';

/**
 * frontdesk: tells Hasura at every login who logged in, and sets no claims. For use beside the Action `claims`.
 *
 * One signed POST to frontdesk per login (Standard Webhooks), one deadline, no retry. It sends the fields listed in
 * `loginFields`, the transaction's id as a header, and nothing else of the event.
 *
 * Secret: FRONTDESK_HOOK_SECRET, `whsec_<base64>`, one of the tenant's hook secrets in frontdesk's settings.
 *
 * When frontdesk gives no usable answer in time, the login goes on and the log says so. It is denied only when
 * frontdesk answers that this user is blocked or deleted.
 *
 * `frontdesk actions render` fills in the places marked `setting:`. Unrendered, the file calls nobody.
 */

const { createHmac, randomUUID } = require('node:crypto');

const HOOK_URL = /* setting: hook_url */ '';
const DENY_REASON = /* setting: deny_reason */ 'Signing in is not possible at the moment. Please try again later.';
// Milliseconds for the whole call, to the last byte of the answer; at most 5000.
const DEADLINE_MS = /* setting: deadline_ms */ 1500;
// Bytes of the body above which metadata is left out; frontdesk refuses more than 262144.
const MAX_BODY_BYTES = /* setting: max_body_bytes */ 245760;
// Bytes of the answer, which holds the claims that the Action post-login would set.
const MAX_ANSWER_BYTES = 100000;

const USER_FIELDS = [
  'user_id', 'email', 'email_verified', 'username', 'name', 'given_name', 'family_name', 'nickname', 'picture',
  'phone_number', 'phone_verified', 'created_at', 'updated_at', 'app_metadata', 'user_metadata',
];
const IDENTITY_FIELDS = ['connection', 'provider', 'user_id', 'isSocial', 'profileData'];

/** Its message may be logged. */
class SyncFailed extends Error {}

/**
 * Runs at every login, token refreshes and silent logins included. Never throws.
 *
 * @param {Event} event - the user and the context of the login
 * @param {PostLoginAPI} api - what changes the login's outcome
 */
exports.onExecutePostLogin = async (event, api) => {
  const id = `msg_${randomUUID()}`;
  if (event?.frontdesk_probe === true) return probe(event, id);
  try {
    const body = encodeWithinLimit(loginFields(event));
    applyAnswer(parseAnswer(await call(id, body, event)), api);
  } catch (fault) {
    console.log(`frontdesk: not synced (${describe(fault)}); the login goes on; ${id}`);
  }
};

/** Asks whether calls come through. No login has the mark, the test call of the Management API may; logs the status. */
async function probe(event, id) {
  try {
    await call(id, JSON.stringify({ version: 1, tenant: event.tenant?.id, probe: true }), event);
    console.log('frontdesk: probe: HTTP 200');
  } catch (fault) {
    console.log(`frontdesk: probe: ${describe(fault)}`);
  }
}

/** What frontdesk gets to know; what is unset is absent. Never secrets, tokens, the request's body or query. */
function loginFields(event) {
  const identities = pickEach(event.user.identities, IDENTITY_FIELDS);
  const methods = pickEach(event.authentication?.methods, ['name', 'timestamp']);
  return present({
    version: 1,
    trigger: 'post-login',
    tenant: event.tenant?.id,
    user: present({ ...pick(event.user, USER_FIELDS), identities }),
    authorization: pick(event.authorization, ['roles']),
    authentication: methods && { methods },
    connection: pick(event.connection, ['id', 'name', 'strategy']),
    organization: pick(event.organization, ['id', 'name', 'display_name', 'metadata']),
    client: pick(event.client, ['client_id', 'name']),
    resource_server: pick(event.resource_server, ['identifier']),
    request: pick(event.request, ['ip', 'user_agent']),
    session: pick(event.session, ['id']),
    stats: pick(event.stats, ['logins_count']),
    transaction: pick(event.transaction, ['protocol', 'prompt']),
  });
}

function present(fields) {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined && value !== null));
}

function pick(from, names) {
  return from ? present(Object.fromEntries(names.map((name) => [name, from[name]]))) : undefined;
}

function pickEach(list, names) {
  return list?.map((one) => pick(one, names));
}

/** The body as JSON. Above the limit metadata is left out and named in `omitted`, not cleared. */
function encodeWithinLimit(login) {
  const isTooLarge = () => Buffer.byteLength(JSON.stringify(login)) > MAX_BODY_BYTES;
  for (const name of ['user_metadata', 'app_metadata']) {
    if (name in login.user && isTooLarge()) {
      delete login.user[name];
      login.omitted = [...(login.omitted ?? []), name];
    }
  }
  if (isTooLarge()) login.user.identities?.forEach((identity) => delete identity.profileData);
  return JSON.stringify(login);
}

/** Signs by the Standard Webhooks scheme. */
function signedHeaders(id, body, secret) {
  const [, key] = /^\s*whsec_([A-Za-z0-9+/]{32,}={0,2})\s*$/.exec(secret) ?? [];
  if (!key) throw new SyncFailed('the secret FRONTDESK_HOOK_SECRET is missing or not whsec_<base64>');
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
    timer = setTimeout(() => reject(new SyncFailed(`no answer within ${DEADLINE_MS} ms`)), DEADLINE_MS);
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
  if (!HOOK_URL) throw new SyncFailed('this Action is not rendered: it has no URL');
  return withinDeadline(async (signal) => {
    const response = await fetch(HOOK_URL, { method: 'POST', headers, body, signal, redirect: 'error' });
    if (response.status !== 200) throw new SyncFailed(`HTTP ${response.status}`);
    return readBounded(response);
  });
}

async function readBounded(response) {
  const chunks = [];
  let size = 0;
  for await (const chunk of response.body) {
    size += chunk.length;
    if (size > MAX_ANSWER_BYTES) throw new SyncFailed(`an answer above ${MAX_ANSWER_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parseAnswer(text) {
  const answer = JSON.parse(text);
  if (!['allow', 'deny'].includes(answer?.decision)) throw new SyncFailed('an answer without a decision');
  return answer;
}

function applyAnswer(answer, api) {
  if (answer.decision === 'deny') api.access.deny(typeof answer.reason === 'string' ? answer.reason : DENY_REASON);
}

/** Why it failed; messages of others stay out, since fetch and JSON.parse quote what they were given. */
function describe(fault) {
  if (fault instanceof SyncFailed) return fault.message;
  const code = String(fault?.cause?.code ?? fault?.name);
  return /^\w{1,40}$/.test(code) ? code : 'unknown fault';
}
