-- No rows go: a view holds none.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP VIEW public.admins;
DROP VIEW public.social_users;
DROP VIEW public.verified_users;
