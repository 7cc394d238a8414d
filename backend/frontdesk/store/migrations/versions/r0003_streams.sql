-- What was acknowledged before it stood in Hasura: the body as it came. Finished ones stay for a while, to be replayed.
CREATE TABLE frontdesk.deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    way text NOT NULL,                    -- the last segment of the hook's URL; logs, events: fetched by us
    received_at timestamptz NOT NULL DEFAULT now(),
    called_at timestamptz,                -- the signed time of a signed call
    call_id text,                         -- the webhook-id of a signed call
    request_id text NOT NULL,
    records integer NOT NULL,
    bytes integer NOT NULL,
    body bytea NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'apart', 'done', 'failed', 'dropped')),
    attempts integer NOT NULL DEFAULT 0,
    error text,
    finished_at timestamptz
);
CREATE INDEX deliveries_waiting ON frontdesk.deliveries (tenant, id) INCLUDE (records, bytes, received_at)
    WHERE state IN ('waiting', 'apart');
CREATE INDEX deliveries_failed ON frontdesk.deliveries (tenant, id) WHERE state = 'failed';
CREATE INDEX deliveries_finished ON frontdesk.deliveries (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX deliveries_by_time ON frontdesk.deliveries (tenant, received_at);

-- Records that could not be taken, with the reason; the others of their delivery were.
CREATE TABLE frontdesk.stream_rejects (
    delivery_id bigint NOT NULL REFERENCES frontdesk.deliveries ON DELETE CASCADE,
    number integer NOT NULL,
    tenant text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    record_id text,
    reason text NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (delivery_id, number)
);
CREATE INDEX stream_rejects_by_time ON frontdesk.stream_rejects (tenant, at);

-- The greatest id of the log records that were received in each ten minutes: from where a gap is read again.
CREATE TABLE frontdesk.stream_marks (
    tenant text NOT NULL,
    slot timestamptz NOT NULL,            -- the ten minutes of the records' own date
    log_id text NOT NULL,
    PRIMARY KEY (tenant, slot)
);

-- Where each way in stands: the newest that came, and where reading goes on.
CREATE TABLE frontdesk.stream_state (
    tenant text NOT NULL,
    way text NOT NULL,
    received_at timestamptz,
    record_at timestamptz,
    position jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant, way)
);

-- Numbers of processes that have no /metrics of their own, such as workers.
CREATE TABLE frontdesk.worker_numbers (
    name text NOT NULL,
    labels jsonb NOT NULL DEFAULT '{}',
    value double precision NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, labels)
);

-- Why a job did not get through the last time; procrastinate keeps no reason.
CREATE TABLE frontdesk.job_errors (
    job_id bigint PRIMARY KEY REFERENCES frontdesk.procrastinate_jobs ON DELETE CASCADE,
    at timestamptz NOT NULL DEFAULT now(),
    reason text NOT NULL
);
