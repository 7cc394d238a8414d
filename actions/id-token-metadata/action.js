'use strict';

/**
 * frontdesk: puts app_metadata and user_metadata on the ID token, for applications that show them.
 *
 * Calls nobody and needs no secrets. Metadata that is not there is an empty object; what is larger than
 * MAX_METADATA_BYTES is left out and the log says so. Whoever holds an ID token can read it: no secrets in app_metadata.
 *
 * `frontdesk actions render` fills in the places marked `setting:`. Unrendered, the file does nothing.
 */

const NAMESPACE = /* setting: id_token_namespace */ '';
// Bytes of one claim as JSON.
const MAX_METADATA_BYTES = /* setting: metadata_limit_bytes */ 16384;
// Bytes of both; Auth0 fails a login whose custom claims exceed 100 kB, and other claims need room.
const MAX_TOTAL_BYTES = 50000;

/**
 * Runs at every login, token refreshes and silent logins included. Never throws.
 *
 * @param {Event} event - the user and the context of the login
 * @param {PostLoginAPI} api - what changes the login's outcome
 */
exports.onExecutePostLogin = async (event, api) => {
  if (!NAMESPACE) return;
  let room = MAX_TOTAL_BYTES;
  for (const name of ['app_metadata', 'user_metadata']) {
    const value = event.user?.[name] ?? {};
    const size = Buffer.byteLength(JSON.stringify(value));
    if (size > Math.min(MAX_METADATA_BYTES, room)) {
      console.log(`frontdesk: too large for the ID token and left out: ${name}`);
      continue;
    }
    room -= size;
    api.idToken.setCustomClaim(`${NAMESPACE}/${name}`, value);
  }
};
