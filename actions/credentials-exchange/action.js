'use strict';

/**
 * frontdesk: gives an application that gets a token by client credentials its Hasura role and tenant.
 *
 * Calls nobody and needs no secrets: the roles are those of `machine_roles` in frontdesk's settings. Only tokens for
 * AUDIENCE are changed or denied; those for the Management API and other APIs are none of its business.
 *
 * An application that has no role gets no claims, so that Hasura refuses its token, or no token when
 * UNKNOWN_MACHINES is 'deny'.
 *
 * `frontdesk actions render` fills in the places marked `setting:`. Unrendered, the file does nothing.
 */

const AUDIENCE = /* setting: audience */ '';
const TENANT = /* setting: tenant */ 'default';
const CLAIMS_NAMESPACE = /* setting: claims_namespace */ 'https://hasura.io/jwt/claims';
// Pairs of a client id and its role.
const MACHINE_ROLES = /* setting: machine_roles */ [];
const UNKNOWN_MACHINES = /* setting: unknown_machines */ 'no_claims';

/**
 * Runs at every exchange of client credentials. Never throws.
 *
 * @param {Event} event - the client and the API that the token is for
 * @param {CredentialsExchangeAPI} api - what changes the outcome
 */
exports.onExecuteCredentialsExchange = async (event, api) => {
  if (!AUDIENCE || event.resource_server?.identifier !== AUDIENCE) return;
  const clientId = event.client?.client_id;
  const [, role] = MACHINE_ROLES.find(([known]) => known === clientId) ?? [];
  if (role) {
    api.accessToken.setCustomClaim(CLAIMS_NAMESPACE, {
      'x-hasura-default-role': role,
      'x-hasura-allowed-roles': [role],
      // The token's own subject.
      'x-hasura-user-id': `${clientId}@clients`,
      'x-hasura-tenant': TENANT,
    });
  } else if (UNKNOWN_MACHINES === 'deny') {
    api.access.deny('invalid_request', 'This application has no role in Hasura.');
  } else {
    console.log('frontdesk: no claims: machine_roles does not name this application');
  }
};
