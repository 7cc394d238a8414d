-- Every table and view with columns, keys and types as one JSON value, outside PostgreSQL's and the engine's own schemas.
WITH RECURSIVE base_types AS (
  -- a domain counts as the type under it
  SELECT oid AS asked, oid, typtype, typbasetype FROM pg_type
  UNION ALL
  SELECT b.asked, t.oid, t.typtype, t.typbasetype
    FROM base_types b JOIN pg_type t ON b.typtype = 'd' AND t.oid = b.typbasetype
), types AS (
  SELECT b.asked AS oid, t.typname AS name, t.typtype AS kind, format_type(t.oid, -1) AS cast, t.typdelim AS delimiter,
         CASE WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem END AS element
    FROM base_types b JOIN pg_type t ON t.oid = b.oid
   WHERE b.typtype <> 'd'
), relations AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind::text AS kind, obj_description(c.oid, 'pg_class') AS comment,
         pg_relation_is_updatable(c.oid, true) AS events
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'hdb_catalog', 'hdb_views')
     AND n.nspname !~ '^pg_(toast|temp)'
), columns AS (
  SELECT a.attrelid, json_agg(json_build_object(
           'name', a.attname, 'nullable', NOT a.attnotnull, 'comment', col_description(a.attrelid, a.attnum),
           'has_default', a.atthasdef OR a.attidentity <> '' OR EXISTS (
             SELECT 1 FROM base_types b JOIN pg_type d ON d.oid = b.oid AND d.typdefault IS NOT NULL
              WHERE b.asked = a.atttypid), 'generated', a.attgenerated <> '',
           'identity_always', a.attidentity = 'a',
           'type', json_build_object('name', t.name, 'cast', t.cast, 'kind', t.kind, 'delimiter', t.delimiter),
           'element', CASE WHEN e.oid IS NOT NULL THEN
             json_build_object('name', e.name, 'cast', e.cast, 'kind', e.kind, 'delimiter', e.delimiter) END
         ) ORDER BY a.attnum) AS list
    FROM relations r
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN types t ON t.oid = a.atttypid
    LEFT JOIN types e ON e.oid = t.element
   GROUP BY a.attrelid
), unique_keys AS (
  SELECT i.indrelid, json_agg(json_build_object(
           'name', c.relname, 'is_primary', i.indisprimary,
           'columns', (SELECT coalesce(json_agg(a.attname ORDER BY k.position), '[]')
                         FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, position)
                         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
                        WHERE k.position <= i.indnkeyatts)
         ) ORDER BY i.indisprimary DESC, c.relname) AS list
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
   WHERE i.indisunique
   GROUP BY i.indrelid
), foreign_keys AS (
  SELECT f.conrelid, json_agg(json_build_object(
           'name', f.conname, 'target', json_build_array(n.nspname, c.relname),
           'columns', (SELECT json_agg(a.attname ORDER BY k.position)
                         FROM unnest(f.conkey) WITH ORDINALITY AS k(attnum, position)
                         JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum),
           'target_columns', (SELECT json_agg(a.attname ORDER BY k.position)
                                FROM unnest(f.confkey) WITH ORDINALITY AS k(attnum, position)
                                JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum)
         ) ORDER BY f.conname) AS list
    FROM pg_constraint f JOIN pg_class c ON c.oid = f.confrelid JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE f.contype = 'f'
     -- a key to a partitioned table has a copy for each partition
     AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = f.conparentid AND p.conrelid = f.conrelid)
   GROUP BY f.conrelid
)
SELECT coalesce(json_agg(json_build_object(
         'schema', r.nspname, 'name', r.relname, 'kind', r.kind, 'comment', r.comment, 'events', r.events,
         'columns', coalesce(k.list, '[]'), 'unique_keys', coalesce(u.list, '[]'), 'foreign_keys', coalesce(f.list, '[]')
       ) ORDER BY r.nspname, r.relname), '[]')::text,
       EXISTS (SELECT FROM pg_trigger WHERE tginitdeferred)
  FROM relations r
  LEFT JOIN columns k ON k.attrelid = r.oid
  LEFT JOIN unique_keys u ON u.indrelid = r.oid
  LEFT JOIN foreign_keys f ON f.conrelid = r.oid
