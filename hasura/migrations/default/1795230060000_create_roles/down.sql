-- Takes every grant with it, those made by people too.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TABLE public.user_roles;
DROP TABLE public.roles;
