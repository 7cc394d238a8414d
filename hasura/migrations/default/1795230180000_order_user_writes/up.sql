-- The ordering rule: whatever order writes of a user arrive in, and however often, the row ends the same.
-- It is a trigger, so that no writer can pass it: neither the tutorial's mutation nor the Hasura console nor SQL by hand;
-- and so that an upsert always touches the row and returns it. docs/architecture.md, "The ordering rule", tells why.
--
-- A clock is {"at": time, "source": record|login|profile, "born": the payload's created_at or null}. Times are kept as
-- UTC text of one width, so that comparing the text compares the time. The incarnation is the greatest `born` seen.
--
-- The rule is a maximum, by (at, source, content, born), over the clocks of the living incarnation. Only the winner is
-- kept; that is enough because nothing of an earlier incarnation is later than the `created_at` of the next one.
--
-- Safe while old code runs: a write without a write_id to a row without clocks passes unchanged.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE FUNCTION public.users_clock_time(field text, value text) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    IF value IS NULL THEN
        RETURN NULL;
    END IF;
    -- Without an offset the time would mean another instant in every session.
    IF value !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d(:?\d\d)?)$' THEN
        RAISE EXCEPTION 'clocks: "%" must be a time with an offset', field USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN to_char(value::timestamp with time zone AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
END;
$$;

-- Adds `incarnation`, the greatest `born` of all groups, when there is one.
CREATE FUNCTION public.users_read_clocks(sent jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    group_name text;
    clock jsonb;
    -- The groups of one payload mostly share their times: each is parsed once.
    at text;
    at_as_sent text;
    born text;
    born_as_sent text;
    incarnation text;
    clocks jsonb := '{}';
BEGIN
    IF jsonb_typeof(sent) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'clocks: expected an object with a clock per group' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    FOR group_name, clock IN SELECT key, value FROM jsonb_each(sent) LOOP
        IF group_name = 'incarnation' THEN
            incarnation := greatest(
                incarnation COLLATE "C", public.users_clock_time(group_name, clock #>> '{}'));
            CONTINUE;
        END IF;
        IF group_name NOT IN ('profile', 'app_metadata', 'user_metadata', 'roles', 'seen', 'login', 'count',
                              'account', 'tombstone', 'alive') THEN
            RAISE EXCEPTION 'clocks: "%" is no group of users', left(group_name, 40)
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        IF clock ->> 'at' IS DISTINCT FROM at_as_sent THEN
            at_as_sent := clock ->> 'at';
            at := public.users_clock_time(group_name || '.at', at_as_sent);
        END IF;
        IF clock ->> 'born' IS DISTINCT FROM born_as_sent THEN
            born_as_sent := clock ->> 'born';
            born := public.users_clock_time(group_name || '.born', born_as_sent);
        END IF;
        -- The count has no time of its own: the greatest of one incarnation wins.
        IF (at IS NULL) <> (group_name = 'count')
           OR coalesce(clock ->> 'source', '') NOT IN ('record', 'login', 'profile') THEN
            RAISE EXCEPTION 'clocks: "%" must have "source", and "at" unless it is the count', group_name
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        incarnation := greatest(incarnation COLLATE "C", born);
        clocks := clocks || jsonb_build_object(
            group_name, jsonb_build_object('at', at, 'source', clock ->> 'source', 'born', born));
    END LOOP;
    IF incarnation IS NOT NULL THEN
        clocks := clocks || jsonb_build_object('incarnation', incarnation);
    END IF;
    RETURN clocks;
END;
$$;

CREATE FUNCTION public.users_clock_is_stale(clock jsonb, incarnation text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE
        WHEN incarnation IS NULL THEN false
        WHEN clock ->> 'born' IS NOT NULL THEN (clock ->> 'born') COLLATE "C" < incarnation
        ELSE coalesce(clock ->> 'at', '') COLLATE "C" <= incarnation
    END
$$;

CREATE FUNCTION public.users_source_rank(clock jsonb) RETURNS integer
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE clock ->> 'source' WHEN 'record' THEN 1 WHEN 'login' THEN 2 ELSE 3 END
$$;

-- What happens to a group: keep the stored columns, take the sent ones, reset them, or look at the content (tie).
-- A group without a stored clock loses to any clock but is never reset: nobody knows which incarnation it is of.
CREATE FUNCTION public.users_compare_clocks(sent jsonb, stored jsonb, incarnation text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE
    AS $$
DECLARE
    sent_rank integer;
    stored_rank integer;
BEGIN
    IF sent IS NULL OR public.users_clock_is_stale(sent, incarnation) THEN
        IF stored IS NOT NULL AND public.users_clock_is_stale(stored, incarnation) THEN
            RETURN 'reset';
        END IF;
        RETURN 'keep';
    END IF;
    IF stored IS NULL OR public.users_clock_is_stale(stored, incarnation) THEN
        RETURN 'take';
    END IF;
    IF sent ->> 'at' IS DISTINCT FROM stored ->> 'at' THEN
        RETURN CASE WHEN (sent ->> 'at') COLLATE "C" > (stored ->> 'at') THEN 'take' ELSE 'keep' END;
    END IF;
    IF sent ->> 'at' IS NULL THEN
        RETURN 'tie';  -- the count: its content decides before its source
    END IF;
    sent_rank := public.users_source_rank(sent);
    stored_rank := public.users_source_rank(stored);
    RETURN CASE WHEN sent_rank > stored_rank THEN 'take' WHEN sent_rank < stored_rank THEN 'keep' ELSE 'tie' END;
END;
$$;

-- The content of a group as text; fixed settings, since two sessions must come to the same order.
CREATE FUNCTION public.users_fingerprint(person public.users, group_name text) RETURNS text
    LANGUAGE sql STABLE
    SET timezone = 'UTC'
    SET datestyle = 'ISO, YMD'
    AS $$
    SELECT CASE group_name
        WHEN 'profile' THEN ROW(
            person.user_name, person.email, person.email_verified, person.name, person.given_name,
            person.family_name, person.nickname, person.picture, person.phone_number, person.phone_verified,
            person.connection, person.identities, person.created_at, person.updated_at)::text
        WHEN 'app_metadata' THEN ROW(person.app_metadata)::text
        WHEN 'user_metadata' THEN ROW(person.user_metadata)::text
        WHEN 'roles' THEN ROW(person.auth0_roles)::text
        WHEN 'seen' THEN ROW(person.last_seen, person.organization_id)::text
        WHEN 'login' THEN ROW(person.last_login, person.last_ip)::text
        WHEN 'count' THEN lpad(coalesce(person.logins_count, 0)::text, 19, '0')
        WHEN 'account' THEN ROW(person.blocked)::text
        ELSE ''
    END
$$;

CREATE FUNCTION public.users_break_tie(
    group_name text, sent public.users, stored public.users, sent_clock jsonb, stored_clock jsonb
) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    sent_content text := public.users_fingerprint(sent, group_name);
    stored_content text := public.users_fingerprint(stored, group_name);
BEGIN
    IF sent_content <> stored_content THEN
        RETURN CASE WHEN sent_content COLLATE "C" > stored_content THEN 'take' ELSE 'keep' END;
    END IF;
    RETURN CASE
        WHEN public.users_source_rank(sent_clock) <> public.users_source_rank(stored_clock)
            THEN CASE WHEN public.users_source_rank(sent_clock) > public.users_source_rank(stored_clock)
                THEN 'take' ELSE 'keep' END
        WHEN coalesce(sent_clock ->> 'born', '') COLLATE "C" > coalesce(stored_clock ->> 'born', '') THEN 'take'
        ELSE 'keep'
    END;
END;
$$;

-- Where deleted_at stands: the time of the deletion, while no proof of life is later.
CREATE FUNCTION public.users_deleted_at(clocks jsonb) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
    SELECT CASE
        WHEN (clocks #>> '{alive,at}') COLLATE "C" > (clocks #>> '{tombstone,at}') THEN NULL
        ELSE (clocks #>> '{tombstone,at}')::timestamp with time zone
    END
$$;

-- Runs for the proposed row of an upsert too; what it changes is what EXCLUDED holds then.
CREATE FUNCTION public.users_order_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.write_id IS NULL THEN
        NEW.clocks := '{}';
        NEW.synced_at := NULL;
        RETURN NEW;
    END IF;
    NEW.clocks := public.users_read_clocks(NEW.clocks);
    NEW.synced_at := now();
    IF NEW.clocks ?| ARRAY['tombstone', 'alive'] THEN
        NEW.deleted_at := public.users_deleted_at(NEW.clocks);
    END IF;
    RETURN NEW;
END;
$$;

CREATE FUNCTION public.users_order_update() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    -- A trigger cannot tell a column that was not listed from one sent with the same value: the fresh write_id tells a
    -- write of frontdesk from an edit by hand, and `clocks` name the groups that it brought.
    clocked CONSTANT boolean := NEW.write_id IS NOT NULL AND NEW.write_id IS DISTINCT FROM OLD.write_id;
    stored CONSTANT jsonb := OLD.clocks;
    sent jsonb := '{}';
    clocks jsonb := OLD.clocks;
    incarnation text := OLD.clocks ->> 'incarnation';
    group_name text;
    outcome text;
    gone public.users%ROWTYPE;
    source public.users%ROWTYPE;
BEGIN
    IF clocked THEN
        sent := public.users_read_clocks(NEW.clocks);
        incarnation := greatest(incarnation COLLATE "C", sent ->> 'incarnation');
        NEW.synced_at := now();
    ELSE
        NEW.write_id := OLD.write_id;
        NEW.synced_at := OLD.synced_at;
    END IF;
    gone.blocked := false;

    FOREACH group_name IN ARRAY ARRAY['profile', 'app_metadata', 'user_metadata', 'roles', 'seen', 'login', 'count',
                                      'account', 'tombstone', 'alive'] LOOP
        IF clocked THEN
            outcome := public.users_compare_clocks(sent -> group_name, stored -> group_name, incarnation);
            IF outcome = 'tie' THEN
                outcome := public.users_break_tie(group_name, NEW, OLD, sent -> group_name, stored -> group_name);
            END IF;
        ELSE
            outcome := CASE WHEN stored ? group_name THEN 'keep' ELSE 'take' END;
        END IF;

        IF outcome = 'take' THEN
            IF clocked THEN
                clocks := clocks || jsonb_build_object(group_name, sent -> group_name);
            END IF;
            CONTINUE;
        ELSIF outcome = 'keep' THEN
            source := OLD;
        ELSE
            clocks := clocks - group_name;
            source := gone;
        END IF;
        CASE group_name
            WHEN 'profile' THEN
                NEW.user_name := source.user_name;
                NEW.email := source.email;
                NEW.email_verified := source.email_verified;
                NEW.name := source.name;
                NEW.given_name := source.given_name;
                NEW.family_name := source.family_name;
                NEW.nickname := source.nickname;
                NEW.picture := source.picture;
                NEW.phone_number := source.phone_number;
                NEW.phone_verified := source.phone_verified;
                NEW.connection := source.connection;
                NEW.identities := source.identities;
                NEW.created_at := source.created_at;
                NEW.updated_at := source.updated_at;
            WHEN 'app_metadata' THEN
                NEW.app_metadata := source.app_metadata;
            WHEN 'user_metadata' THEN
                NEW.user_metadata := source.user_metadata;
            WHEN 'roles' THEN
                NEW.auth0_roles := source.auth0_roles;
            WHEN 'seen' THEN
                NEW.last_seen := source.last_seen;
                NEW.organization_id := source.organization_id;
            WHEN 'login' THEN
                NEW.last_login := source.last_login;
                NEW.last_ip := source.last_ip;
            WHEN 'count' THEN
                NEW.logins_count := source.logins_count;
            WHEN 'account' THEN
                NEW.blocked := source.blocked;
            ELSE
                NULL;  -- tombstone and alive have no column of their own: deleted_at follows from both, below
        END CASE;
    END LOOP;

    IF incarnation IS NOT NULL THEN
        clocks := clocks || jsonb_build_object('incarnation', incarnation);
    END IF;
    IF stored ?| ARRAY['tombstone', 'alive'] OR clocks ?| ARRAY['tombstone', 'alive'] THEN
        NEW.deleted_at := public.users_deleted_at(clocks);
    ELSIF clocked THEN
        NEW.deleted_at := OLD.deleted_at;
    END IF;
    NEW.clocks := clocks;
    RETURN NEW;
END;
$$;

CREATE TRIGGER users_order_insert BEFORE INSERT ON public.users
    FOR EACH ROW EXECUTE FUNCTION public.users_order_insert();

CREATE TRIGGER users_order_update BEFORE UPDATE ON public.users
    FOR EACH ROW EXECUTE FUNCTION public.users_order_update();

COMMENT ON FUNCTION public.users_order_insert() IS 'The ordering rule of users, for a row as it is proposed.';
COMMENT ON FUNCTION public.users_order_update() IS 'The ordering rule of users: per group of columns the newest write wins.';
COMMENT ON FUNCTION public.users_deleted_at(jsonb) IS 'The tombstone, unless a proof of life is later.';
COMMENT ON FUNCTION public.users_read_clocks(jsonb) IS 'Clocks as sent, checked and in one notation; raises on a wrong one.';
COMMENT ON FUNCTION public.users_clock_time(text, text) IS 'A time as UTC text of fixed width; raises without an offset.';
COMMENT ON FUNCTION public.users_clock_is_stale(jsonb, text) IS 'Whether a clock belongs to an earlier incarnation.';
COMMENT ON FUNCTION public.users_source_rank(jsonb) IS 'The order of sources at equal times: record < login < profile.';
COMMENT ON FUNCTION public.users_compare_clocks(jsonb, jsonb, text) IS 'keep, take, reset or tie, for one group.';
COMMENT ON FUNCTION public.users_fingerprint(public.users, text) IS 'The content of one group, for equal clocks.';
COMMENT ON FUNCTION public.users_break_tie(text, public.users, public.users, jsonb, jsonb) IS 'keep or take, by content, then by born.';
