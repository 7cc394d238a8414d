-- Which one of several reports of one act counts, and why something failed.
-- Safe while old code runs: adds columns with a constant default, which rewrites no row.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

ALTER TABLE public.auth_activities ADD COLUMN counts boolean NOT NULL DEFAULT true;
ALTER TABLE public.auth_activities ADD COLUMN reason text;

COMMENT ON COLUMN public.auth_activities.counts IS 'Whether to count acts by this row: one act may be reported in several ways.';
COMMENT ON COLUMN public.auth_activities.reason IS 'Why something failed or came about, in our word or in Auth0''s.';
COMMENT ON COLUMN public.auth_activities.user_id IS 'Whom it is about, and of an API operation about nobody, who called; on failures it may be an id that nobody has.';
COMMENT ON COLUMN public.auth_activities.raw IS 'The record as delivered, without what stands in details and location, and without tokens and codes. Not for end users.';
