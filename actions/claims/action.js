'use strict';

/**
 * frontdesk: puts the Hasura claims on the access token, from the login alone. Calls nobody and needs no secrets.
 *
 * The same claims as frontdesk gives for the same login, by the policy of its settings, but without what only the
 * database knows: grants made there, and users blocked or deleted there. (Auth0 lets nobody in whom it blocks itself.)
 *
 * Should the event be none that Auth0 sends, it sets no claims, and Hasura refuses the token.
 *
 * `frontdesk actions render` fills in the places marked `setting:`. Unrendered, everybody gets the default role.
 */

const TENANT = /* setting: tenant */ 'default';
const DEFAULT_ROLE = /* setting: default_role */ 'user';
const CLAIMS_NAMESPACE = /* setting: claims_namespace */ 'https://hasura.io/jwt/claims';
const ROLE_SOURCES = /* setting: role_sources */ ['app_metadata', 'auth0', 'database'];
const APP_METADATA_PATH = /* setting: app_metadata_path */ ['roles'];
// Pairs of a name that a source gives and the Hasura role that it means.
const ROLE_MAP = /* setting: role_map */ [];
const PASS_UNMAPPED = /* setting: pass_unmapped */ false;
// Pairs of a claim's name and the path of its value.
const EXTRA_CLAIMS = /* setting: extra_claims */ [];
const ID_TOKEN_CLAIMS = /* setting: id_token_claims */ false;

// Hasura gives `admin` every right, and `frontdesk` is the service's own role.
const NEVER_IN_A_TOKEN = ['admin', 'frontdesk'];
// Bytes. What is above is left out, so that a big profile locks nobody out: Auth0 fails a login above 100 kB of claims.
const MAX_ROLES_BYTES = 16384;
const MAX_EXTRA_CLAIM_BYTES = 4096;
const MAX_EXTRA_CLAIMS_BYTES = 16384;

/**
 * Runs at every login, token refreshes and silent logins included. Never throws.
 *
 * @param {Event} event - the user and the context of the login
 * @param {PostLoginAPI} api - what changes the login's outcome
 */
exports.onExecutePostLogin = async (event, api) => {
  try {
    const claims = {
      ...extraClaims(event),
      'x-hasura-default-role': DEFAULT_ROLE,
      'x-hasura-allowed-roles': allowedRoles(event),
      'x-hasura-user-id': event.user.user_id,
      'x-hasura-tenant': TENANT,
    };
    api.accessToken.setCustomClaim(CLAIMS_NAMESPACE, claims);
    if (ID_TOKEN_CLAIMS) api.idToken.setCustomClaim(CLAIMS_NAMESPACE, claims);
  } catch (fault) {
    console.log(`frontdesk: no claims (${fault?.name}): this is no event of a login`);
  }
};

/** The default role first, the others in order, each once, as many as fit. */
function allowedRoles(event) {
  const mapped = new Set(roleNames(event).map(mappedRole).filter(isRoleName));
  mapped.delete(DEFAULT_ROLE);
  let used = 0;
  return [DEFAULT_ROLE, ...[...mapped].sort(byCodePoint)].filter((role) => {
    const size = sizeInAToken(role);
    if (used + size > MAX_ROLES_BYTES) return leaveOut('x-hasura-allowed-roles');
    used += size;
    return true;
  });
}

function roleNames(event) {
  const names = [];
  if (ROLE_SOURCES.includes('auth0')) names.push(...(event.authorization?.roles ?? []));
  if (ROLE_SOURCES.includes('app_metadata')) {
    const found = at(event.user.app_metadata, APP_METADATA_PATH);
    names.push(...(Array.isArray(found) ? found : [found]));
  }
  return names.filter((name) => typeof name === 'string');
}

function mappedRole(name) {
  const pair = ROLE_MAP.find(([from]) => from === name);
  return pair ? pair[1] : PASS_UNMAPPED && name;
}

/** Stricter than Hasura, which compares exactly: no tool that folds names may turn a harmless one into `admin`. */
function isRoleName(name) {
  if (!name || /^\p{Z}|\p{Z}$|[\p{Cc}\p{Cs}]/u.test(name)) return false;
  return !NEVER_IN_A_TOKEN.includes(name.normalize('NFKC').toLowerCase().replace(/[\p{Z}\p{C}]/gu, ''));
}

function extraClaims(event) {
  const claims = {};
  let used = 0;
  for (const [name, path] of EXTRA_CLAIMS) {
    const text = claimText(valueOf(event, path));
    if (text === null) continue;
    const size = sizeInAToken(text);
    if (size > MAX_EXTRA_CLAIM_BYTES || used + size > MAX_EXTRA_CLAIMS_BYTES) {
      leaveOut(name);
      continue;
    }
    used += size;
    claims[name] = text;
  }
  if (event.organization) claims['x-hasura-org-id'] = event.organization.id;
  return claims;
}

function valueOf(event, [root, ...keys]) {
  if (root === 'app_metadata') return at(event.user.app_metadata, keys);
  if (root === 'organization') return at(event.organization, keys);
  // The connection of the primary identity, however this login was made.
  if (keys[0] === 'connection') return event.user.identities?.[0]?.connection || event.connection?.name;
  return event.user[keys[0]];
}

function at(value, keys) {
  const isMap = (inner) => inner && typeof inner === 'object' && !Array.isArray(inner);
  return keys.reduce((inner, key) => (isMap(inner) && Object.hasOwn(inner, key) ? inner[key] : undefined), value);
}

/** A value as a session variable: a list becomes a PostgreSQL array literal, an object is JSON text. */
function claimText(value) {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  return Array.isArray(value) ? `{${value.map(arrayElement).join(',')}}` : jsonText(value);
}

function arrayElement(value) {
  if (value === null) return 'NULL';
  if (typeof value === 'boolean' || typeof value === 'number') return jsonText(value);
  // Quoted always: an unquoted NULL, brace, comma or space would change the meaning.
  const text = typeof value === 'string' ? value : jsonText(value);
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

/** JSON without spaces, keys in order, numbers as frontdesk writes them. */
function jsonText(value) {
  if (typeof value === 'number') return numberText(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  const keys = Object.keys(value).sort(byCodePoint);
  return `{${keys.map((key) => `${JSON.stringify(key)}:${jsonText(value[key])}`).join(',')}}`;
}

function numberText(value) {
  const text = value !== 0 && Math.abs(value) < 1e-4 ? value.toExponential() : JSON.stringify(value);
  return text.replace(/e-(\d)$/, 'e-0$1');
}

function byCodePoint(one, other) {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

function sizeInAToken(text) {
  return Buffer.byteLength(JSON.stringify(text));
}

function leaveOut(claim) {
  console.log(`frontdesk: too large for a token and left out: ${claim}`);
  return false;
}
