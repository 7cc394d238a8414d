-- The people of every tenant, one row each. Hasura's own tutorial works against it as it stands: `users_pkey` is the
-- constraint of its upsert, and `tenant` has a default because the tutorial knows none.
-- Safe while old code runs: adds a table.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE public.users (
    tenant text NOT NULL DEFAULT 'default',
    user_id text NOT NULL,
    user_name text,
    email text,
    email_verified boolean,
    name text,
    given_name text,
    family_name text,
    nickname text,
    picture text,
    phone_number text,
    phone_verified boolean,
    connection text,
    identities jsonb,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    app_metadata jsonb,
    user_metadata jsonb,
    auth0_roles jsonb,
    last_seen timestamp with time zone DEFAULT now(),
    organization_id text,
    last_login timestamp with time zone,
    last_ip text,
    logins_count bigint,
    blocked boolean NOT NULL DEFAULT false,
    deleted_at timestamp with time zone,
    clocks jsonb NOT NULL DEFAULT '{}'::jsonb,
    write_id uuid,
    synced_at timestamp with time zone,
    CONSTRAINT users_pkey PRIMARY KEY (tenant, user_id),
    -- A btree key holds about 2,700 bytes; the limits say so before PostgreSQL does, in words.
    CONSTRAINT users_tenant_length CHECK (octet_length(tenant) BETWEEN 1 AND 64),
    CONSTRAINT users_user_id_length CHECK (octet_length(user_id) BETWEEN 1 AND 2048),
    CONSTRAINT users_identities_array CHECK (jsonb_typeof(identities) = 'array'),
    CONSTRAINT users_auth0_roles_array CHECK (jsonb_typeof(auth0_roles) = 'array'),
    CONSTRAINT users_clocks_object CHECK (jsonb_typeof(clocks) = 'object')
);

COMMENT ON TABLE public.users IS 'Auth0 users, one row per tenant and user id. Written by frontdesk at every login.';
COMMENT ON COLUMN public.users.tenant IS 'The key of the Auth0 tenant in the settings of frontdesk.';
COMMENT ON COLUMN public.users.user_id IS 'Auth0''s user_id as a whole, such as auth0|64b0; opaque and case-sensitive.';
COMMENT ON COLUMN public.users.connection IS 'The connection of the primary identity.';
COMMENT ON COLUMN public.users.identities IS 'Auth0''s identities: connection, provider, user_id, isSocial, profileData.';
COMMENT ON COLUMN public.users.created_at IS 'Auth0''s created_at. A newer one is another incarnation of the same user id.';
COMMENT ON COLUMN public.users.updated_at IS 'Auth0''s updated_at.';
COMMENT ON COLUMN public.users.auth0_roles IS 'Names of the roles as assigned in Auth0; user_roles follows it.';
COMMENT ON COLUMN public.users.last_seen IS 'Time of the latest signed call: logins, silent logins and refreshes.';
COMMENT ON COLUMN public.users.organization_id IS 'The organization of the latest session; null outside one.';
COMMENT ON COLUMN public.users.last_login IS 'Time of the latest interactive login.';
COMMENT ON COLUMN public.users.logins_count IS 'Auth0''s own count, never counted here.';
COMMENT ON COLUMN public.users.deleted_at IS 'Tombstone: the user was deleted in Auth0 and has not come back.';
COMMENT ON COLUMN public.users.clocks IS 'Per group of columns, its time and kind of source. Bookkeeping of the ordering rule.';
COMMENT ON COLUMN public.users.write_id IS 'Fresh for every write of frontdesk; tells its writes from edits by hand.';
COMMENT ON COLUMN public.users.synced_at IS 'When frontdesk last wrote this row, whether or not anything changed.';
