-- Takes every recorded activity with it.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TABLE public.auth_activities;
