-- Takes every organization and membership with it; the next import reads them again.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

DROP TABLE public.organization_members;
DROP TABLE public.organizations;
