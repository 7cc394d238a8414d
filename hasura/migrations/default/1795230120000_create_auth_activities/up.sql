-- What happened to users in Auth0. The key is Auth0's own id, so a record that is delivered again changes nothing.
-- No foreign key to users: a record may come before its user, or belong to nobody.
-- Safe while old code runs: adds a table.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE public.auth_activities (
    tenant text NOT NULL DEFAULT 'default',
    id text NOT NULL,
    type text NOT NULL,
    activity text,
    source text NOT NULL,
    occurred_at timestamp with time zone NOT NULL,
    received_at timestamp with time zone NOT NULL DEFAULT now(),
    user_id text,
    user_name text,
    connection text,
    connection_id text,
    client_id text,
    client_name text,
    organization_id text,
    ip text,
    user_agent text,
    hostname text,
    location jsonb,
    description text,
    details jsonb,
    raw jsonb,
    CONSTRAINT auth_activities_pkey PRIMARY KEY (tenant, id),
    CONSTRAINT auth_activities_tenant_length CHECK (octet_length(tenant) BETWEEN 1 AND 64),
    CONSTRAINT auth_activities_id_length CHECK (octet_length(id) BETWEEN 1 AND 512),
    CONSTRAINT auth_activities_user_id_length CHECK (octet_length(user_id) <= 2048)
);

CREATE INDEX auth_activities_user_idx ON public.auth_activities (tenant, user_id, occurred_at DESC);
CREATE INDEX auth_activities_time_idx ON public.auth_activities (tenant, occurred_at DESC);

COMMENT ON TABLE public.auth_activities IS 'What Auth0 reported about users: logins, failures, changes.';
COMMENT ON COLUMN public.auth_activities.id IS 'Auth0''s id of the record; text, it is too long for any integer.';
COMMENT ON COLUMN public.auth_activities.type IS 'Auth0''s event type code, such as s or fp.';
COMMENT ON COLUMN public.auth_activities.activity IS 'What the type means, in a word; null for a type that is not known.';
COMMENT ON COLUMN public.auth_activities.source IS 'The way in: the stream or hook that delivered the record.';
COMMENT ON COLUMN public.auth_activities.occurred_at IS 'Auth0''s date of the record.';
COMMENT ON COLUMN public.auth_activities.user_id IS 'As reported; on failures it may be an id that nobody has.';
COMMENT ON COLUMN public.auth_activities.raw IS 'The record as delivered. Not for end users.';
