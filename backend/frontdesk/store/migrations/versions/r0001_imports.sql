-- One run of an import or of a reconcile; the unfinished one of a tenant and a source is what a restart goes on with.
CREATE TABLE frontdesk.passes (
    id uuid PRIMARY KEY,
    tenant text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('import', 'reconcile')),
    source text NOT NULL,                 -- what is read: "tenant", or the path of a file
    way text,                             -- pages, windows, job, file
    phase text NOT NULL,                  -- where the pass stands; its names are the use case's
    status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'failed', 'dropped')),
    position jsonb NOT NULL DEFAULT '{}', -- what the reader needs to go on after the last record that is done
    counts jsonb NOT NULL DEFAULT '{}',
    detail jsonb NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz
);
CREATE UNIQUE INDEX passes_running ON frontdesk.passes (tenant, kind, source) WHERE status = 'running';
CREATE INDEX passes_by_tenant ON frontdesk.passes (tenant, started_at);

-- Everybody whom a pass has read, once; `digests` is what a reconcile compares rows with.
CREATE TABLE frontdesk.pass_users (
    pass_id uuid NOT NULL REFERENCES frontdesk.passes ON DELETE CASCADE,
    user_id text NOT NULL,
    digests bytea,
    state smallint NOT NULL DEFAULT 0,
    step_us smallint NOT NULL DEFAULT 0,  -- how far a repair has to go on past a clock that stands there
    PRIMARY KEY (pass_id, user_id)
);

-- Who has which role, as a pass has read it, role by role.
CREATE TABLE frontdesk.pass_roles (
    pass_id uuid NOT NULL REFERENCES frontdesk.passes ON DELETE CASCADE,
    user_id text NOT NULL,
    role text NOT NULL,
    PRIMARY KEY (pass_id, user_id, role)
);

-- Who is in which organization, with the roles there.
CREATE TABLE frontdesk.pass_members (
    pass_id uuid NOT NULL REFERENCES frontdesk.passes ON DELETE CASCADE,
    organization_id text NOT NULL,
    user_id text NOT NULL,
    roles jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (pass_id, organization_id, user_id)
);

-- Records that could not be taken, with the reason; `record` is the record as it came, cut to a bound.
CREATE TABLE frontdesk.rejects (
    pass_id uuid NOT NULL REFERENCES frontdesk.passes ON DELETE CASCADE,
    number bigint NOT NULL,
    tenant text NOT NULL,
    user_id text,
    reason text NOT NULL,
    record text NOT NULL,
    PRIMARY KEY (pass_id, number)
);
CREATE INDEX rejects_by_user ON frontdesk.rejects (tenant, user_id);

-- Every change that somebody made through frontdesk: by whom, when, what. `detail` holds names of fields, never values.
CREATE TABLE frontdesk.audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    tenant text NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    user_id text,
    outcome text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_by_user ON frontdesk.audit (tenant, user_id, at);
CREATE INDEX audit_by_time ON frontdesk.audit (tenant, at);
