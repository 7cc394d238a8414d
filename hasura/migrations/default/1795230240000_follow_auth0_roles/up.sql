-- Keeps the grants of source auth0 equal to users.auth0_roles; grants of any other source are left alone.
-- An after-trigger on the row as it ends up: the ordering rule may change the column of a write that never named it.
-- Safe while old code runs: old code writes no auth0_roles.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE FUNCTION public.users_follow_auth0_roles() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    -- Sorted, so that two logins that bring the same new roles wait for each other instead of blocking each other.
    -- A name that no key could hold is left out: a login must not fail over it.
    names text[] := ARRAY(
        SELECT DISTINCT element
        FROM jsonb_array_elements_text(NEW.auth0_roles) AS element
        WHERE octet_length(element) BETWEEN 1 AND 400
        ORDER BY element
    );
BEGIN
    DELETE FROM public.user_roles
    WHERE tenant = NEW.tenant AND user_id = NEW.user_id AND source = 'auth0' AND role <> ALL (names);

    INSERT INTO public.roles (tenant, name)
    SELECT NEW.tenant, name FROM unnest(names) AS name
    ON CONFLICT ON CONSTRAINT roles_pkey DO NOTHING;

    INSERT INTO public.user_roles (tenant, user_id, role, source)
    SELECT NEW.tenant, NEW.user_id, name, 'auth0' FROM unnest(names) AS name
    ON CONFLICT ON CONSTRAINT user_roles_pkey DO NOTHING;
    RETURN NULL;
END;
$$;

CREATE TRIGGER users_follow_auth0_roles_insert AFTER INSERT ON public.users
    FOR EACH ROW WHEN (NEW.auth0_roles IS NOT NULL)
    EXECUTE FUNCTION public.users_follow_auth0_roles();

CREATE TRIGGER users_follow_auth0_roles_update AFTER UPDATE ON public.users
    FOR EACH ROW WHEN (OLD.auth0_roles IS DISTINCT FROM NEW.auth0_roles)
    EXECUTE FUNCTION public.users_follow_auth0_roles();

COMMENT ON FUNCTION public.users_follow_auth0_roles() IS 'Makes user_roles of source auth0 equal to users.auth0_roles.';
