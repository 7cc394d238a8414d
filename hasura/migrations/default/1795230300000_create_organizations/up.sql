-- Organizations and who is in them, with the roles that members have there. Each row carries when it was read: the
-- newest reading wins, and what a complete one has not seen again is told by its age.
-- Safe while old code runs: adds tables.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE public.organizations (
    tenant text NOT NULL DEFAULT 'default',
    id text NOT NULL,
    name text NOT NULL,
    display_name text,
    metadata jsonb,
    read_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT organizations_pkey PRIMARY KEY (tenant, id),
    CONSTRAINT organizations_tenant_length CHECK (octet_length(tenant) BETWEEN 1 AND 64),
    -- Together with a user id of 2,048 bytes it still fits the key of organization_members.
    CONSTRAINT organizations_id_length CHECK (octet_length(id) BETWEEN 1 AND 400)
);

CREATE TABLE public.organization_members (
    tenant text NOT NULL DEFAULT 'default',
    organization_id text NOT NULL,
    user_id text NOT NULL,
    roles jsonb NOT NULL DEFAULT '[]'::jsonb,
    read_at timestamp with time zone NOT NULL DEFAULT now(),
    CONSTRAINT organization_members_pkey PRIMARY KEY (tenant, organization_id, user_id),
    CONSTRAINT organization_members_roles_array CHECK (jsonb_typeof(roles) = 'array'),
    CONSTRAINT organization_members_organization_fkey FOREIGN KEY (tenant, organization_id)
        REFERENCES public.organizations (tenant, id) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT organization_members_user_fkey FOREIGN KEY (tenant, user_id)
        REFERENCES public.users (tenant, user_id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE INDEX organization_members_user_idx ON public.organization_members (tenant, user_id);

COMMENT ON TABLE public.organizations IS 'Auth0 organizations of a tenant, as an import last read them.';
COMMENT ON COLUMN public.organizations.id IS 'Auth0''s id of the organization, such as org_….';
COMMENT ON COLUMN public.organizations.read_at IS 'When it was read from Auth0; a later reading wins.';
COMMENT ON TABLE public.organization_members IS 'Who is a member of which organization.';
COMMENT ON COLUMN public.organization_members.roles IS 'Names of the roles that the member has in this organization, and nowhere else.';
COMMENT ON COLUMN public.organization_members.read_at IS 'When it was read from Auth0; a later reading wins.';
