-- Three things that the ordering rule learns, in the functions that hold it:
-- Columns beside frontdesk's own, and who owns a column: `users_field_rules` says so, and is replaced by the migration that
-- adds a column (`frontdesk fields plan`). A column that Auth0 owns moves with its group; one that Auth0 fills once, or
-- never, is in no group, so an edit by hand stays.
-- A write that changes nothing but clocks leaves write_id as it was, so its answer tells written from unchanged.
-- A row whose id is part of another account now (user_merges) is gone as from then.
-- Safe while old code runs: the mutation and its answer stay as they were.
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s';

-- {column: {"owner": auth0|first_write|app, "group": …}}, and "default" for what a reset gives; empty as shipped.
-- STABLE, so that PostgreSQL takes its text into the caller, and notices when it is replaced.
CREATE FUNCTION public.users_field_rules() RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$ SELECT '{}'::jsonb $$;

-- What columns under a rule hold when their group is not taken: as kept where Auth0 owns them, as proposed where it does
-- not. A group of equal time and content is as good as taken: a column that is new here is filled by it.
CREATE FUNCTION public.users_ruled_columns(
    rules jsonb, group_name text, kept jsonb, proposed jsonb, content_is_equal boolean
) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT coalesce(jsonb_object_agg(
        rule.key,
        CASE
            WHEN rule.value ->> 'owner' = 'auth0' AND NOT content_is_equal
                THEN coalesce(kept -> rule.key, rule.value -> 'default')
            ELSE proposed -> rule.key
        END), '{}')
    FROM jsonb_each(rules) AS rule
    WHERE rule.value ->> 'group' = group_name
$$;

-- The clock of a row whose id is part of another account now; {} for all others.
CREATE FUNCTION public.users_clock_of_merge(person public.users) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    SELECT CASE
        WHEN max(merge.merged_at) IS NULL THEN '{}'
        ELSE jsonb_build_object('merged', jsonb_build_object(
            'at', to_char(max(merge.merged_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
    END
    FROM public.user_merges AS merge
    WHERE merge.tenant = person.tenant AND merge.user_id = person.user_id
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
        -- Follows from user_merges alone; it is here when the row of an upsert has passed the insert trigger before.
        IF group_name = 'merged' THEN
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

-- Where deleted_at stands: the time of the deletion, or that of a link to another account, whichever is later, while no
-- proof of life is later still. A link belongs to the incarnation that it was made in, as every clock does.
CREATE OR REPLACE FUNCTION public.users_deleted_at(clocks jsonb) RETURNS timestamp with time zone
    LANGUAGE sql STABLE
    AS $$
    SELECT CASE
        WHEN (clocks #>> '{alive,at}') COLLATE "C" > gone.at THEN NULL
        ELSE gone.at::timestamp with time zone
    END
    FROM (
        SELECT greatest(
            (clocks #>> '{tombstone,at}') COLLATE "C",
            CASE
                WHEN (clocks #>> '{merged,at}') COLLATE "C" > coalesce(clocks ->> 'incarnation', '')
                    THEN clocks #>> '{merged,at}'
            END
        ) AS at
    ) AS gone
$$;

CREATE OR REPLACE FUNCTION public.users_order_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF NEW.write_id IS NULL THEN
        NEW.clocks := public.users_clock_of_merge(NEW);
        NEW.synced_at := NULL;
    ELSE
        NEW.clocks := public.users_read_clocks(NEW.clocks) || public.users_clock_of_merge(NEW);
        NEW.synced_at := now();
    END IF;
    IF NEW.clocks ?| ARRAY['tombstone', 'alive', 'merged'] THEN
        NEW.deleted_at := public.users_deleted_at(NEW.clocks);
    END IF;
    RETURN NEW;
END;
$$;

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
    compared public.users%ROWTYPE;
    rules CONSTANT jsonb := public.users_field_rules();
    proposed jsonb;
    ruled jsonb := '{}';
    content_is_equal boolean;
BEGIN
    IF NOT clocked AND NEW.write_id IS NOT NULL AND NEW.clocks IS DISTINCT FROM OLD.clocks THEN
        RETURN OLD;  -- the write that stands here already, delivered again; or bookkeeping edited by hand
    END IF;
    IF rules <> '{}' THEN
        proposed := to_jsonb(NEW);
    END IF;
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

        IF rules <> '{}' AND outcome <> 'take' THEN
            content_is_equal := clocked AND outcome = 'keep'
                AND (sent -> group_name ->> 'at') IS NOT DISTINCT FROM (stored -> group_name ->> 'at')
                AND sent ? group_name AND stored ? group_name
                AND public.users_fingerprint(NEW, group_name) = public.users_fingerprint(OLD, group_name);
            ruled := ruled || public.users_ruled_columns(
                rules, group_name, CASE WHEN outcome = 'keep' THEN to_jsonb(OLD) ELSE '{}' END, proposed,
                content_is_equal);
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

    IF ruled <> '{}' THEN
        NEW := jsonb_populate_record(NEW, ruled);
    END IF;
    IF incarnation IS NOT NULL THEN
        clocks := clocks || jsonb_build_object('incarnation', incarnation);
    END IF;
    clocks := (clocks - 'merged') || public.users_clock_of_merge(NEW);
    IF stored ?| ARRAY['tombstone', 'alive', 'merged'] OR clocks ?| ARRAY['tombstone', 'alive', 'merged'] THEN
        NEW.deleted_at := public.users_deleted_at(clocks);
    ELSIF clocked THEN
        NEW.deleted_at := OLD.deleted_at;
    END IF;
    NEW.clocks := clocks;

    IF clocked THEN
        -- Whether a write changed anything is told by its write_id being there afterwards. Bytes are compared (*=):
        -- a column of the application may have a type without an equality.
        compared := NEW;
        compared.clocks := OLD.clocks;
        compared.write_id := OLD.write_id;
        compared.synced_at := OLD.synced_at;
        IF compared *= OLD THEN
            NEW.write_id := OLD.write_id;
        END IF;
    END IF;
    RETURN NEW;
END;
$$;

COMMENT ON FUNCTION public.users_field_rules() IS 'Who owns a column of users, and its group; frontdesk fields plan writes it.';
COMMENT ON FUNCTION public.users_ruled_columns(jsonb, text, jsonb, jsonb, boolean) IS 'What columns under a rule hold when their group is not taken.';
COMMENT ON FUNCTION public.users_clock_of_merge(public.users) IS 'The clock of an id that is part of another account now.';
