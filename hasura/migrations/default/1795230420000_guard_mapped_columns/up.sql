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

-- Clocks with the one of a row whose id is part of another account now; none when it is not.
CREATE FUNCTION public.users_with_merge(clocks jsonb, merged_at timestamp with time zone) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE
        WHEN merged_at IS NULL THEN clocks - 'merged'
        ELSE clocks || jsonb_build_object('merged', jsonb_build_object(
            'at', to_char(merged_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')))
    END
$$;

CREATE OR REPLACE FUNCTION public.users_clock_time(field text, value text) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
BEGIN
    IF value IS NULL THEN
        RETURN NULL;
    END IF;
    -- The row of an upsert passes twice: our own notation is only looked at, the date's days by the cast.
    IF value ~ '^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{6}Z$' AND value::timestamp with time zone IS NOT NULL THEN
        RETURN value;
    END IF;
    -- Without an offset the time would mean another instant in every session.
    IF value !~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d(:?\d\d)?)$' THEN
        RAISE EXCEPTION 'clocks: "%" must be a time with an offset', field USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN to_char(value::timestamp with time zone AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
END;
$$;

CREATE OR REPLACE FUNCTION public.users_read_clocks(sent jsonb) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    group_name text;
    clock jsonb;
    told jsonb;
    own_at text;
    source text;
    own_born text;
    -- The groups of one payload mostly share their times: each is parsed once.
    at text;
    at_as_sent text;
    born text;
    born_as_sent text;
    incarnation text;
    clocks jsonb;
BEGIN
    IF jsonb_typeof(sent) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'clocks: expected an object with a clock per group' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    -- `merged` follows from user_merges alone; it is here when the row of an upsert has passed the insert trigger.
    clocks := sent - 'merged';
    FOR group_name, clock, own_at, source, own_born IN
        SELECT key, value, value ->> 'at', value ->> 'source', value ->> 'born' FROM jsonb_each(clocks)
    LOOP
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
        -- The count has no time of its own: the greatest of one incarnation wins.
        IF (own_at IS NULL) <> (group_name = 'count')
           OR coalesce(source, '') NOT IN ('record', 'login', 'profile') THEN
            RAISE EXCEPTION 'clocks: "%" must have "source", and "at" unless it is the count', group_name
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        IF own_at <> at_as_sent OR at_as_sent IS NULL THEN
            at_as_sent := own_at;
            at := public.users_clock_time(group_name || '.at', own_at);
        END IF;
        IF own_born IS DISTINCT FROM born_as_sent THEN
            born_as_sent := own_born;
            born := public.users_clock_time(group_name || '.born', own_born);
            incarnation := greatest(incarnation COLLATE "C", born);
        END IF;
        told := jsonb_build_object(
            'at', CASE WHEN group_name <> 'count' THEN at END, 'source', source, 'born', born);
        IF told <> clock THEN
            clocks := clocks || jsonb_build_object(group_name, told);
        END IF;
    END LOOP;
    IF incarnation IS NOT NULL THEN
        clocks := clocks || jsonb_build_object('incarnation', incarnation);
    END IF;
    RETURN clocks;
END;
$$;

-- The content of a group as text that is the same in every session; times as seconds, so that no setting shows in them.
CREATE OR REPLACE FUNCTION public.users_fingerprint(person public.users, group_name text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT CASE group_name
        WHEN 'profile' THEN ROW(
            person.user_name, person.email, person.email_verified, person.name, person.given_name,
            person.family_name, person.nickname, person.picture, person.phone_number, person.phone_verified,
            person.connection, person.identities, extract(epoch FROM person.created_at),
            extract(epoch FROM person.updated_at))::text
        WHEN 'app_metadata' THEN ROW(person.app_metadata)::text
        WHEN 'user_metadata' THEN ROW(person.user_metadata)::text
        WHEN 'roles' THEN ROW(person.auth0_roles)::text
        WHEN 'seen' THEN ROW(extract(epoch FROM person.last_seen), person.organization_id)::text
        WHEN 'login' THEN ROW(extract(epoch FROM person.last_login), person.last_ip)::text
        WHEN 'count' THEN lpad(coalesce(person.logins_count, 0)::text, 19, '0')
        WHEN 'account' THEN ROW(person.blocked)::text
        ELSE ''
    END
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

-- Runs for the proposed row of an upsert too; what it changes is what EXCLUDED holds then.
CREATE OR REPLACE FUNCTION public.users_order_insert() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    merged_at timestamp with time zone;
BEGIN
    IF NEW.write_id IS NULL THEN
        NEW.clocks := '{}';
        NEW.synced_at := NULL;
    ELSE
        NEW.clocks := public.users_read_clocks(NEW.clocks);
        NEW.synced_at := now();
    END IF;
    SELECT max(merge.merged_at) INTO merged_at
    FROM public.user_merges AS merge
    WHERE merge.tenant = NEW.tenant AND merge.user_id = NEW.user_id;
    IF merged_at IS NOT NULL THEN
        NEW.clocks := public.users_with_merge(NEW.clocks, merged_at);
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
    merged_at timestamp with time zone;
BEGIN
    IF NOT clocked AND NEW.write_id IS NOT NULL AND NEW.clocks IS DISTINCT FROM OLD.clocks THEN
        RETURN OLD;  -- the write that stands here already, delivered again; or bookkeeping edited by hand
    END IF;
    SELECT max(merge.merged_at) INTO merged_at
    FROM public.user_merges AS merge
    WHERE merge.tenant = NEW.tenant AND merge.user_id = NEW.user_id;
    IF rules <> '{}' THEN
        proposed := to_jsonb(NEW);
    END IF;
    IF clocked THEN
        sent := public.users_read_clocks(NEW.clocks);
        -- All of it stands here already: what a second import sends. Bytes are compared (*=), since a column of the
        -- application may be of a type without an equality.
        compared := NEW;
        compared.clocks := OLD.clocks;
        compared.write_id := OLD.write_id;
        compared.synced_at := OLD.synced_at;
        IF stored @> sent AND compared *= OLD AND public.users_with_merge(stored, merged_at) = stored THEN
            compared.synced_at := now();
            RETURN compared;
        END IF;
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
    clocks := public.users_with_merge(clocks, merged_at);
    IF stored ?| ARRAY['tombstone', 'alive', 'merged'] OR clocks ?| ARRAY['tombstone', 'alive', 'merged'] THEN
        NEW.deleted_at := public.users_deleted_at(clocks);
    ELSIF clocked THEN
        NEW.deleted_at := OLD.deleted_at;
    END IF;
    NEW.clocks := clocks;

    IF clocked THEN
        -- Whether a write changed anything is told by its write_id being there afterwards.
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
COMMENT ON FUNCTION public.users_with_merge(jsonb, timestamp with time zone) IS 'Clocks with the one of an id that is part of another account now.';
