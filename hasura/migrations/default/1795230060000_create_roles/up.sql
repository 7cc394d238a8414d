-- Roles and who has them. A grant names its source, so that what Auth0 assigns and what people grant in the Hasura
-- console can come and go without touching each other.
-- Safe while old code runs: adds tables.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE public.roles (
    tenant text NOT NULL DEFAULT 'default',
    name text NOT NULL,
    auth0_id text,
    description text,
    CONSTRAINT roles_pkey PRIMARY KEY (tenant, name),
    CONSTRAINT roles_tenant_length CHECK (octet_length(tenant) BETWEEN 1 AND 64),
    -- Together with a user id of 2,048 bytes it still fits the key of user_roles.
    CONSTRAINT roles_name_length CHECK (octet_length(name) BETWEEN 1 AND 400)
);

CREATE TABLE public.user_roles (
    tenant text NOT NULL DEFAULT 'default',
    user_id text NOT NULL,
    role text NOT NULL,
    source text NOT NULL DEFAULT 'hasura',
    CONSTRAINT user_roles_pkey PRIMARY KEY (tenant, user_id, role, source),
    CONSTRAINT user_roles_source_known CHECK (source IN ('auth0', 'hasura')),
    CONSTRAINT user_roles_user_fkey FOREIGN KEY (tenant, user_id)
        REFERENCES public.users (tenant, user_id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT user_roles_role_fkey FOREIGN KEY (tenant, role)
        REFERENCES public.roles (tenant, name) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE INDEX user_roles_role_idx ON public.user_roles (tenant, role);

COMMENT ON TABLE public.roles IS 'Roles of a tenant, by name; made by the first grant in Auth0 or by hand.';
COMMENT ON COLUMN public.roles.auth0_id IS 'Auth0''s id of the role, such as rol_…; null when unknown or not from Auth0.';
COMMENT ON TABLE public.user_roles IS 'Grants: who has which role, and who says so.';
COMMENT ON COLUMN public.user_roles.source IS 'auth0: follows users.auth0_roles. hasura: granted by people, never touched by frontdesk.';
