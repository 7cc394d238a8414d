-- Keeps user_merges equal to users.identities: each further identity of a user points to that user. The row of the linked
-- id, when there is one, is gone as from the profile that says so (users_order_update looks the pointer up), and what
-- people granted to the linked id counts for the user that it is part of, as long as it is.
-- Pointers follow from what stands in rows, and from nothing that came before, so the order of writes does not matter.
-- Safe while old code runs: old code neither reads nor writes what this writes.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- Sorted, so that two writers take rows in one order. An id that no key could hold is left out.
CREATE FUNCTION public.users_linked_ids(person public.users) RETURNS text[]
    LANGUAGE sql STABLE
    AS $$
    SELECT ARRAY(
        SELECT DISTINCT linked.id
        FROM (
            SELECT (identity.value ->> 'provider') || '|' || (identity.value ->> 'user_id') AS id
            FROM jsonb_array_elements(person.identities) WITH ORDINALITY AS identity (value, position)
            WHERE identity.position > 1
        ) AS linked
        WHERE linked.id <> person.user_id AND octet_length(linked.id) + octet_length(person.user_id) <= 2500
        ORDER BY linked.id
    )
$$;

CREATE FUNCTION public.users_follow_identities() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    -- Identities by hand have no time, so nothing can be put in order by them.
    read_at CONSTANT timestamp with time zone := (NEW.clocks #>> '{profile,at}')::timestamp with time zone;
    linked CONSTANT text[] := CASE WHEN read_at IS NULL THEN '{}' ELSE public.users_linked_ids(NEW) END;
    changed text[];
BEGIN
    WITH gone AS (
        DELETE FROM public.user_merges AS merge
        WHERE merge.tenant = NEW.tenant AND merge.merged_into = NEW.user_id AND merge.user_id <> ALL (linked)
        RETURNING merge.user_id
    ), told AS (
        INSERT INTO public.user_merges AS merge (tenant, user_id, merged_into, merged_at)
        SELECT NEW.tenant, id, NEW.user_id, read_at FROM unnest(linked) AS id
        ON CONFLICT ON CONSTRAINT user_merges_pkey DO UPDATE SET merged_at = EXCLUDED.merged_at
        WHERE merge.merged_at <> EXCLUDED.merged_at
        RETURNING merge.user_id
    )
    SELECT array_agg(each.user_id) INTO changed
    FROM (SELECT gone.user_id FROM gone UNION SELECT told.user_id FROM told) AS each;
    IF changed IS NULL THEN
        RETURN NULL;
    END IF;

    PERFORM FROM public.users AS person
    WHERE person.tenant = NEW.tenant AND person.user_id = ANY (changed)
    ORDER BY person.user_id
    FOR UPDATE;
    -- Changes nothing by itself: the ordering rule looks the pointer up whenever a row is written.
    UPDATE public.users AS person SET synced_at = person.synced_at
    WHERE person.tenant = NEW.tenant AND person.user_id = ANY (changed);
    RETURN NULL;
END;
$$;

-- Makes the grants of source linked equal to what people granted to the ids that are part of a user.
CREATE FUNCTION public.user_roles_follow_links(of_tenant text, of_user text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    names CONSTANT text[] := ARRAY(
        SELECT DISTINCT granted.role
        FROM public.user_merges AS merge
        JOIN public.user_roles AS granted ON granted.tenant = merge.tenant AND granted.user_id = merge.user_id
        WHERE merge.tenant = of_tenant AND merge.merged_into = of_user AND granted.source = 'hasura'
        ORDER BY granted.role
    );
BEGIN
    DELETE FROM public.user_roles AS granted
    WHERE granted.tenant = of_tenant AND granted.user_id = of_user AND granted.source = 'linked'
        AND granted.role <> ALL (names);

    -- The user may be about to go, and its pointers with it.
    INSERT INTO public.user_roles (tenant, user_id, role, source)
    SELECT person.tenant, person.user_id, granted.role, 'linked'
    FROM public.users AS person, unnest(names) AS granted (role)
    WHERE person.tenant = of_tenant AND person.user_id = of_user
    ON CONFLICT ON CONSTRAINT user_roles_pkey DO NOTHING;
END;
$$;

CREATE FUNCTION public.user_merges_carry_grants() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM public.user_roles_follow_links(NEW.tenant, NEW.merged_into);
    ELSE
        PERFORM public.user_roles_follow_links(OLD.tenant, OLD.merged_into);
    END IF;
    RETURN NULL;
END;
$$;

CREATE FUNCTION public.user_roles_reach_links() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM public.user_roles_follow_links(merge.tenant, merge.merged_into)
        FROM public.user_merges AS merge
        WHERE OLD.source = 'hasura' AND merge.tenant = OLD.tenant AND merge.user_id = OLD.user_id;
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM public.user_roles_follow_links(merge.tenant, merge.merged_into)
        FROM public.user_merges AS merge
        WHERE NEW.source = 'hasura' AND merge.tenant = NEW.tenant AND merge.user_id = NEW.user_id;
    END IF;
    RETURN NULL;
END;
$$;

CREATE TRIGGER users_follow_identities_insert AFTER INSERT ON public.users
    FOR EACH ROW WHEN (jsonb_array_length(NEW.identities) > 1)
    EXECUTE FUNCTION public.users_follow_identities();

-- merged_at is the time of the newest profile that says so: with any other, the order of writes would show in it.
CREATE TRIGGER users_follow_identities_update AFTER UPDATE ON public.users
    FOR EACH ROW WHEN (
        (jsonb_array_length(OLD.identities) > 1 OR jsonb_array_length(NEW.identities) > 1)
        AND (
            OLD.identities IS DISTINCT FROM NEW.identities
            OR OLD.clocks #> '{profile,at}' IS DISTINCT FROM NEW.clocks #> '{profile,at}'
        )
    )
    EXECUTE FUNCTION public.users_follow_identities();

CREATE TRIGGER user_merges_carry_grants AFTER INSERT OR DELETE ON public.user_merges
    FOR EACH ROW EXECUTE FUNCTION public.user_merges_carry_grants();

CREATE TRIGGER user_roles_reach_links_insert AFTER INSERT ON public.user_roles
    FOR EACH ROW WHEN (NEW.source = 'hasura')
    EXECUTE FUNCTION public.user_roles_reach_links();

CREATE TRIGGER user_roles_reach_links_update AFTER UPDATE ON public.user_roles
    FOR EACH ROW WHEN (OLD.source = 'hasura' OR NEW.source = 'hasura')
    EXECUTE FUNCTION public.user_roles_reach_links();

CREATE TRIGGER user_roles_reach_links_delete AFTER DELETE ON public.user_roles
    FOR EACH ROW WHEN (OLD.source = 'hasura')
    EXECUTE FUNCTION public.user_roles_reach_links();

COMMENT ON FUNCTION public.users_linked_ids(public.users) IS 'The ids of all identities but the first.';
COMMENT ON FUNCTION public.users_follow_identities() IS 'Makes user_merges equal to users.identities.';
COMMENT ON FUNCTION public.user_roles_follow_links(text, text) IS 'Makes user_roles of source linked equal to what people granted to linked ids.';
COMMENT ON FUNCTION public.user_merges_carry_grants() IS 'Brings grants along with a pointer, and takes them back with it.';
COMMENT ON FUNCTION public.user_roles_reach_links() IS 'Lets what people grant to a linked id count for its user.';
