-- Grants that are already there stay.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TRIGGER users_follow_auth0_roles_update ON public.users;
DROP TRIGGER users_follow_auth0_roles_insert ON public.users;
DROP FUNCTION public.users_follow_auth0_roles();
