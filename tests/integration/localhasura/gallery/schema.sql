CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS ltree;
CREATE SCHEMA attic;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN size AS integer CHECK (value > 0);
CREATE DOMAIN email AS text NOT NULL;

CREATE TABLE colour (value text PRIMARY KEY, comment text);
INSERT INTO colour VALUES ('red', 'warm'), ('blue', NULL);

-- One column of every kind of type; the second row has nothing but NULL.
CREATE TABLE item (
  id integer PRIMARY KEY,
  small smallint, big bigint, exact numeric(10, 2), single real, double float8, flag boolean,
  words text, short varchar(10), fixed char(5), folded citext, key uuid,
  day date, clock time, clock_zone timetz, moment timestamp, instant timestamptz, span interval,
  plain json, doc jsonb, numbers integer[], names text[], path ltree, bytes bytea, address inet, price money,
  feeling mood, extent size, mail email, label name, object oid, feelings mood[], paths ltree[],
  "CamelCase" integer, "odd name" integer
);
INSERT INTO item VALUES (
  1, 2, 9007199254740993, 12.30, 1.5, 2.5, true,
  'hello', 'short', 'fix', 'FoLd', '11111111-1111-1111-1111-111111111111',
  '2024-01-02', '03:04:05', '03:04:05+02', '2024-01-02 03:04:05', '2024-01-02 03:04:05+00', '1 day 2 hours',
  '{"a": [1, {"b c": 2}]}', '{"a": [1, {"b c": 2}], "k": "v"}', '{1,2,3}', '{a,b}', 'Top.Science.Astronomy', '\x01ff',
  '10.0.0.1', '$12.50', 'ok', 5, 'a@b', 'tag', 42, '{sad,ok}', '{a.b,c}', 8, 7
);
INSERT INTO item (id, mail) VALUES (2, 'x');

CREATE TABLE painter (
  id integer PRIMARY KEY, name text NOT NULL, teacher_id integer REFERENCES painter (id), age integer
);
CREATE TABLE painting (
  id integer PRIMARY KEY, title text NOT NULL, painter_id integer REFERENCES painter (id), hung boolean,
  price numeric, width float8, likes bigint, colour text REFERENCES colour (value)
);
INSERT INTO painter VALUES (1, 'Ann', NULL, 30), (2, 'Bob', 1, 40), (3, 'Cid', 1, NULL), (4, 'Dan', 2, 20);
INSERT INTO painting VALUES
  (1, 'A', 1, true, 1.50, 1.5, 10, 'red'), (2, 'B', 1, true, 2, 2.5, 20, 'blue'), (3, 'C', 2, false, NULL, NULL, 30, NULL),
  (4, 'D', 2, true, 4, 4, NULL, 'red'), (5, 'E', NULL, NULL, 5, 5, 5, NULL);
CREATE TABLE attic.box (shelf integer, place text, inside text, PRIMARY KEY (place, shelf));
INSERT INTO attic.box VALUES (1, 'x', 'hat'), (2, 'y', NULL);
CREATE TABLE empty (id integer PRIMARY KEY, amount numeric, word text);
CREATE VIEW output AS SELECT painter_id, count(*) AS paintings FROM painting GROUP BY painter_id;
CREATE MATERIALIZED VIEW record AS SELECT * FROM painter;
COMMENT ON TABLE painter IS 'who paints';
COMMENT ON COLUMN painter.name IS 'as signed';
