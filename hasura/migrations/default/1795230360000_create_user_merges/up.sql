-- Where an id that was linked to another account went. The rows follow users.identities; an application that has kept
-- the linked id finds its owner here. Both ids are the key: two accounts may say it of one id while one of them is out of
-- date, and each then keeps its own.
-- Safe while old code runs: adds a table, and allows one more source of grants.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE TABLE public.user_merges (
    tenant text NOT NULL DEFAULT 'default',
    user_id text NOT NULL,
    merged_into text NOT NULL,
    merged_at timestamp with time zone NOT NULL,
    CONSTRAINT user_merges_pkey PRIMARY KEY (tenant, user_id, merged_into),
    -- What one btree key holds beside the tenant.
    CONSTRAINT user_merges_ids_length CHECK (octet_length(user_id) + octet_length(merged_into) <= 2500),
    -- The linked id itself may have no row.
    CONSTRAINT user_merges_into_fkey FOREIGN KEY (tenant, merged_into)
        REFERENCES public.users (tenant, user_id) ON UPDATE CASCADE ON DELETE CASCADE
);

CREATE INDEX user_merges_into_idx ON public.user_merges (tenant, merged_into);

ALTER TABLE public.user_roles DROP CONSTRAINT user_roles_source_known;
ALTER TABLE public.user_roles ADD CONSTRAINT user_roles_source_known CHECK (source IN ('auth0', 'hasura', 'linked'));

COMMENT ON TABLE public.user_merges IS 'Linked accounts: which id is part of which user now.';
COMMENT ON COLUMN public.user_merges.user_id IS 'The linked id, <provider>|<user_id> of a further identity.';
COMMENT ON COLUMN public.user_merges.merged_at IS 'Time of the newest profile that says so.';
COMMENT ON COLUMN public.user_roles.source IS 'auth0: follows users.auth0_roles. hasura: granted by people, never touched by frontdesk. linked: granted by people to an id that is part of this user now.';
