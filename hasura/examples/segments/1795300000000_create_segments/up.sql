-- Three lists of users as views: whoever has verified an address, whoever comes by a social connection, and whoever
-- administers. A view is always up to date; one that is asked often may become a materialized view.
-- Safe while old code runs: adds views.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE VIEW public.verified_users AS
SELECT person.tenant, person.user_id, person.email, person.name, person.connection, person.created_at, person.last_login
FROM public.users AS person
WHERE person.email_verified AND NOT person.blocked AND person.deleted_at IS NULL;

CREATE VIEW public.social_users AS
SELECT person.tenant, person.user_id, person.email, person.name, person.connection, person.created_at, person.last_login
FROM public.users AS person
WHERE person.identities @> '[{"isSocial": true}]' AND NOT person.blocked AND person.deleted_at IS NULL;

CREATE VIEW public.admins AS
SELECT person.tenant, person.user_id, person.email, person.name, person.connection, person.created_at, person.last_login
FROM public.users AS person
WHERE NOT person.blocked AND person.deleted_at IS NULL
    AND EXISTS (
        SELECT 1
        FROM public.user_roles AS granted
        WHERE granted.tenant = person.tenant AND granted.user_id = person.user_id AND granted.role = 'user_admin'
    );

COMMENT ON VIEW public.verified_users IS 'Users with a verified address, neither blocked nor deleted.';
COMMENT ON VIEW public.social_users IS 'Users with a social identity, linked ones too, neither blocked nor deleted.';
COMMENT ON VIEW public.admins IS 'Users with the role user_admin from any source, neither blocked nor deleted.';
