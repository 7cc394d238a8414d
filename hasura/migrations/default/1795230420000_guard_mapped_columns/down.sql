-- From here on a write that changes nothing looks like one that does, and columns of the application are not guarded.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

CREATE OR REPLACE FUNCTION public.users_order_update() RETURNS trigger
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

CREATE OR REPLACE FUNCTION public.users_order_insert() RETURNS trigger
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

CREATE OR REPLACE FUNCTION public.users_deleted_at(clocks jsonb) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
    SELECT CASE
        WHEN (clocks #>> '{alive,at}') COLLATE "C" > (clocks #>> '{tombstone,at}') THEN NULL
        ELSE (clocks #>> '{tombstone,at}')::timestamp with time zone
    END
$$;

CREATE OR REPLACE FUNCTION public.users_read_clocks(sent jsonb) RETURNS jsonb
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

CREATE OR REPLACE FUNCTION public.users_fingerprint(person public.users, group_name text) RETURNS text
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

CREATE OR REPLACE FUNCTION public.users_clock_time(field text, value text) RETURNS text
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

DROP FUNCTION public.users_with_merge(jsonb, timestamp with time zone);
DROP FUNCTION public.users_ruled_columns(jsonb, text, jsonb, jsonb, boolean);
DROP FUNCTION public.users_field_rules();
