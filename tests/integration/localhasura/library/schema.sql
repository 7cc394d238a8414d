CREATE TABLE genre (value text PRIMARY KEY, comment text);
INSERT INTO genre VALUES ('poetry', 'in verse'), ('prose', NULL);

CREATE TABLE author (
  id serial PRIMARY KEY,
  name text NOT NULL CONSTRAINT author_name_key UNIQUE CHECK (name <> 'nobody'),
  user_id text,
  born date,
  settings jsonb NOT NULL DEFAULT '{}',
  nicknames text[] NOT NULL DEFAULT '{}'
);
CREATE TABLE article (
  id serial PRIMARY KEY,
  title text NOT NULL,
  body text,
  author_id integer REFERENCES author (id),
  is_published boolean NOT NULL DEFAULT false,
  likes bigint NOT NULL DEFAULT 0,
  rating numeric,
  genre text REFERENCES genre (value),
  written_at timestamptz,
  key uuid,
  code varchar(3)
);
CREATE TABLE passport (
  author_id integer PRIMARY KEY REFERENCES author (id),
  number text NOT NULL
);
CREATE TABLE log (id serial PRIMARY KEY, who text, line text NOT NULL);

CREATE FUNCTION note_writer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.line = 'refuse' THEN
    RAISE EXCEPTION 'a line that is refused';
  END IF;
  NEW.who := current_setting('hasura.user', true)::json ->> 'x-hasura-user-id';
  RETURN NEW;
END $$;
CREATE TRIGGER log_who BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION note_writer();

INSERT INTO author (name, user_id, born, settings, nicknames) VALUES
  ('Ann', 'u1', '1970-01-02', '{"theme": "dark", "tags": ["a", "b"]}', '{annie}'),
  ('Bob', 'u2', NULL, '{}', '{}'),
  ('Cid', 'u3', '1980-05-06', '{"theme": "light"}', '{c,d}');
INSERT INTO article (title, body, author_id, is_published, likes, rating, genre, written_at) VALUES
  ('One', 'first', 1, true, 10, 1.50, 'poetry', '2024-01-02T03:04:05.25Z'),
  ('Two', NULL, 1, false, 20, NULL, 'prose', NULL),
  ('Three', 'third', 2, true, 9007199254740993, 3.25, NULL, NULL),
  ('Four', 'fourth', NULL, true, 5, 0.10, 'prose', NULL);
INSERT INTO passport VALUES (1, 'P-1');
