'use strict';
// The `api` object of the triggers: each call is recorded as `{call, args}`; what localauth0 does not have throws,
// since a call that silently does nothing would make an Action look right that is not.
// Source: Auth0 docs, "Actions Triggers: post-login - API Object", "credentials-exchange - API Object".

const MAX_METADATA_KEY_CHARS = 64;
const MAX_METADATA_VALUE_BYTES = 8 * 1024;
const MAX_METADATA_TOTAL_BYTES = 16 * 1024;

const MAX_CACHE_ENTRIES = 20;
const MAX_CACHE_KEY_BYTES = 64;
const MAX_CACHE_VALUE_BYTES = 4 * 1024;
const MAX_CACHE_TOTAL_BYTES = 8 * 1024;
const DEFAULT_CACHE_LIFE_MS = 15 * 60 * 1000;
const MAX_CACHE_LIFE_MS = 24 * 60 * 60 * 1000;

const bytes = (text) => Buffer.byteLength(text, 'utf8');

/** The value as it arrives on the other side of JSON; undefined stays undefined. BigInt and cycles throw here. */
function jsonValue(value) {
  const text = JSON.stringify(value);
  return text === undefined ? undefined : JSON.parse(text);
}

function text(value, what) {
  if (typeof value !== 'string') throw new TypeError(`${what} must be a string`);
  return value;
}

/** Anything under this path may be read, nothing of it may be called. */
function notImplemented(name) {
  const fail = () => {
    throw new Error(`${name} is not implemented by localauth0`);
  };
  return new Proxy(fail, {
    get: (_, key) => (typeof key === 'symbol' || key === 'then' ? undefined : notImplemented(`${name}.${key}`)),
    set: fail,
  });
}

/** The known members, and a loud stand-in for every other name. */
function loud(name, members) {
  return new Proxy(members, {
    get(target, key) {
      if (Object.hasOwn(target, key)) return target[key];
      return typeof key === 'symbol' || key === 'then' ? undefined : notImplemented(`${name}.${key}`);
    },
  });
}

function claimSetter(name, record, api) {
  return (key, value) => {
    text(key, `${name}: the claim's name`);
    const plain = jsonValue(value);
    if (plain !== undefined) record(name, [key, plain]);
    return api();
  };
}

function metadataSetter(name, record, api) {
  return (key, value) => {
    text(key, `${name}: the key`);
    const plain = jsonValue(value);
    if (plain === undefined) throw new TypeError(`${name}: the value must be JSON-serializable, null removes the key`);
    record(name, [key, plain]);
    return api();
  };
}

function scopeEditor(name, record, api) {
  return (scope) => {
    record(name, [text(scope, `${name}: the scope`)]);
    return api();
  };
}

function transactionMetadata(record, metadata, api) {
  return (key, value) => {
    text(key, 'api.transaction.setMetadata: the key');
    const fits =
      typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isSafeInteger(value));
    if (!fits) throw new TypeError('api.transaction.setMetadata: the value must be a string, a boolean or a safe integer');
    const next = { ...metadata, [key]: value };
    const total = Object.entries(next).reduce((sum, [k, v]) => sum + bytes(k) + bytes(String(v)), 0);
    if (key.length > MAX_METADATA_KEY_CHARS || bytes(String(value)) > MAX_METADATA_VALUE_BYTES || total > MAX_METADATA_TOTAL_BYTES) {
      throw new RangeError('api.transaction.setMetadata: key, value or total size is over the limit');
    }
    metadata[key] = value;
    record('transaction.setMetadata', [key, value]);
    return api();
  };
}

function cacheEnd({ ttl, expires_at: expiresAt } = {}, now) {
  const ends = [];
  if (ttl !== undefined) ends.push(now + ttl);
  if (expiresAt !== undefined) ends.push(expiresAt);
  if (ends.some((end) => !Number.isFinite(end))) return NaN;
  return Math.min(now + MAX_CACHE_LIFE_MS, ...(ends.length > 0 ? ends : [now + DEFAULT_CACHE_LIFE_MS]));
}

/** Why the record may not be stored, as Auth0's code; null when it may. */
function cacheRefusal(records, key, value, end, now) {
  if (Number.isNaN(end)) return 'InvalidExpiry';
  if (end <= now) return 'ItemAlreadyExpired';
  if (bytes(key) > MAX_CACHE_KEY_BYTES) return 'CacheKeySizeExceeded';
  if (bytes(value) > MAX_CACHE_VALUE_BYTES) return 'CacheValueSizeExceeded';
  const others = [...records].filter(([other]) => other !== key);
  if (others.length >= MAX_CACHE_ENTRIES) return 'MaxSideEffectsExceeded';
  const total = others.reduce((sum, [k, r]) => sum + bytes(k) + bytes(r.value), bytes(key) + bytes(value));
  return total > MAX_CACHE_TOTAL_BYTES ? 'CacheSizeExceeded' : null;
}

function cacheApi(record, stored) {
  const records = new Map(Object.entries(stored));
  const living = (key) => (records.get(key)?.expires_at > Date.now() ? { ...records.get(key) } : undefined);
  return loud('api.cache', {
    get: (key) => living(key),
    set(key, value, options) {
      if (typeof key !== 'string' || typeof value !== 'string') return { type: 'error', code: 'FailedToSetCacheRecord' };
      const now = Date.now();
      const end = cacheEnd(options, now);
      const code = cacheRefusal([...records].filter(([k]) => living(k)), key, value, end, now);
      if (code !== null) return { type: 'error', code };
      const entry = { value, expires_at: end };
      records.set(key, entry);
      record('cache.set', [key, entry]);
      return { type: 'success', record: { ...entry } };
    },
    delete(key) {
      if (living(key) === undefined) return { type: 'error', code: 'CacheKeyDoesNotExist' };
      records.delete(key);
      record('cache.delete', [key]);
      return { type: 'success' };
    },
  });
}

function postLoginApi(record, cache, event) {
  let api = null;
  const self = () => api;
  const setter = (name) => claimSetter(name, record, self);
  api = loud('api', {
    access: loud('api.access', {
      deny(...args) {
        // The older signature had a code before the reason; Auth0 still takes the reason from the last argument.
        record('access.deny', ['access_denied', text(args.at(-1), 'api.access.deny: the reason')]);
        return api;
      },
    }),
    accessToken: loud('api.accessToken', {
      setCustomClaim: setter('accessToken.setCustomClaim'),
      addScope: scopeEditor('accessToken.addScope', record, self),
      removeScope: scopeEditor('accessToken.removeScope', record, self),
    }),
    idToken: loud('api.idToken', { setCustomClaim: setter('idToken.setCustomClaim') }),
    user: loud('api.user', {
      setAppMetadata: metadataSetter('user.setAppMetadata', record, self),
      setUserMetadata: metadataSetter('user.setUserMetadata', record, self),
    }),
    cache: cacheApi(record, cache),
    transaction: loud('api.transaction', {
      setMetadata: transactionMetadata(record, { ...event.transaction?.metadata }, self),
    }),
  });
  return api;
}

const DENY_CODES = ['invalid_scope', 'invalid_request', 'server_error'];

function credentialsExchangeApi(record, cache) {
  let api = null;
  const self = () => api;
  api = loud('api', {
    access: loud('api.access', {
      deny(code, reason) {
        if (!DENY_CODES.includes(code)) throw new TypeError(`api.access.deny: the code must be one of ${DENY_CODES}`);
        record('access.deny', [code, text(reason, 'api.access.deny: the reason')]);
        return api;
      },
    }),
    accessToken: loud('api.accessToken', {
      setCustomClaim: claimSetter('accessToken.setCustomClaim', record, self),
    }),
    cache: cacheApi(record, cache),
    transaction: loud('api.transaction', {
      addTargetScope: scopeEditor('transaction.addTargetScope', record, self),
      removeTargetScope: scopeEditor('transaction.removeTargetScope', record, self),
      setTargetScopes(scopes) {
        const name = 'transaction.setTargetScopes';
        if (!Array.isArray(scopes)) throw new TypeError(`${name}: the scopes must be an array`);
        record(name, [scopes.map((scope) => text(scope, `${name}: a scope`))]);
        return api;
      },
      clearTargetScopes() {
        record('transaction.clearTargetScopes', []);
        return api;
      },
    }),
  });
  return api;
}

/** Triggers that nobody waits for: there is nothing that they could change. */
const asynchronousApi = (record, cache) => loud('api', { cache: cacheApi(record, cache) });

const BUILDERS = {
  'post-login': postLoginApi,
  'credentials-exchange': credentialsExchangeApi,
  'post-user-registration': asynchronousApi,
  'post-change-password': asynchronousApi,
};

module.exports = {
  /** The `api` of one execution; `record(call, args)` hears every call that has an effect. */
  buildApi: (trigger, record, cache, event) => BUILDERS[trigger](record, cache, event),
};
