TRUNCATE every_type, parent, child, toy, detail, memo, trap RESTART IDENTITY;
INSERT INTO parent (name, n, color, owner)
  VALUES ('a', 1, 'red', 'u1'), ('b', 2, NULL, 'u1'), ('c', 3, NULL, 'u2');
INSERT INTO child (parent_id, title) VALUES (1, 't');
INSERT INTO every_type (c_int, c_small, c_big, c_num, c_real, c_double, c_jsonb, c_json)
  VALUES (1, 1, 1, 1, 1, 1, '{"a": 1, "l": [1, 2, {"x": 5}]}', '{}');
