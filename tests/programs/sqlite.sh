#!/bin/sh
# tests/programs/sqlite.sh -- a million rows in memory: built, indexed, queried, changed.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

cat >questions.sql <<'END'
CREATE TABLE item (id INTEGER PRIMARY KEY, shelf INTEGER, weight INTEGER, name TEXT);
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
  INSERT INTO item SELECT i, i * 7919 % 1009, i * 104729 % 100003,
    'item ' || (i * 31337 % 65537) || substr('abcdefghijklmnopqrstuvwxyz', 1, i % 27) FROM n;
CREATE INDEX by_shelf ON item (shelf, weight);
CREATE INDEX by_name ON item (name);
SELECT count(*), sum(weight), min(name), max(name), sum(length(name)) FROM item;
SELECT shelf, count(*), sum(weight) FROM item GROUP BY shelf ORDER BY 3 DESC, 1 LIMIT 20;
SELECT name, group_concat(id) FROM item WHERE name GLOB 'item 123*' GROUP BY name ORDER BY name;
SELECT count(*), sum(a.weight - b.weight) FROM item a JOIN item b
  ON a.shelf = b.shelf AND a.weight = b.weight AND a.id < b.id;
SELECT count(DISTINCT upper(name)) FROM item;
DELETE FROM item WHERE shelf % 3 = 0;
UPDATE item SET name = name || ' moved', shelf = shelf + 1 WHERE shelf % 5 = 0;
VACUUM;
SELECT count(*), sum(shelf), sum(length(name)), max(name) FROM item;
SELECT id, weight, name FROM item ORDER BY weight DESC, name, id LIMIT 1000;
PRAGMA integrity_check;
END

uses_midden sqlite3 -version
same_answer sqlite3 -batch :memory: '.read questions.sql'
tail -n 1 with | grep -qx ok || fail "sqlite finds its data damaged: $(tail -n 1 with)"
