-- Takes the pointers with it, and the grants that came by them; people's own grants stay where people made them.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DELETE FROM public.user_roles WHERE source = 'linked';
ALTER TABLE public.user_roles DROP CONSTRAINT user_roles_source_known;
ALTER TABLE public.user_roles ADD CONSTRAINT user_roles_source_known CHECK (source IN ('auth0', 'hasura'));
DROP TABLE public.user_merges;

COMMENT ON COLUMN public.user_roles.source IS 'auth0: follows users.auth0_roles. hasura: granted by people, never touched by frontdesk.';
