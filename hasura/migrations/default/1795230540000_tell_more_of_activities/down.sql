-- Takes the reasons with it, and which rows count.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

COMMENT ON COLUMN public.auth_activities.raw IS 'The record as delivered. Not for end users.';
COMMENT ON COLUMN public.auth_activities.user_id IS 'As reported; on failures it may be an id that nobody has.';
ALTER TABLE public.auth_activities
    DROP COLUMN reason,
    DROP COLUMN counts;
