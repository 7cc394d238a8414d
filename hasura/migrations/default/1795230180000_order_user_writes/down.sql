-- Rows stay as they are; from here on the last writer wins.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TRIGGER users_order_update ON public.users;
DROP TRIGGER users_order_insert ON public.users;
DROP FUNCTION public.users_order_update();
DROP FUNCTION public.users_order_insert();
DROP FUNCTION public.users_deleted_at(jsonb);
DROP FUNCTION public.users_break_tie(text, public.users, public.users, jsonb, jsonb);
DROP FUNCTION public.users_fingerprint(public.users, text);
DROP FUNCTION public.users_compare_clocks(jsonb, jsonb, text);
DROP FUNCTION public.users_source_rank(jsonb);
DROP FUNCTION public.users_clock_is_stale(jsonb, text);
DROP FUNCTION public.users_read_clocks(jsonb);
DROP FUNCTION public.users_clock_time(text, text);
