-- Pointers and the grants that came by them stay as they are.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TRIGGER user_roles_reach_links_delete ON public.user_roles;
DROP TRIGGER user_roles_reach_links_update ON public.user_roles;
DROP TRIGGER user_roles_reach_links_insert ON public.user_roles;
DROP TRIGGER user_merges_carry_grants ON public.user_merges;
DROP TRIGGER users_follow_identities_update ON public.users;
DROP TRIGGER users_follow_identities_insert ON public.users;
DROP FUNCTION public.user_roles_reach_links();
DROP FUNCTION public.user_merges_carry_grants();
DROP FUNCTION public.user_roles_follow_links(text, text);
DROP FUNCTION public.users_follow_identities();
DROP FUNCTION public.users_linked_ids(public.users);
