-- bench/heap/inputs/rows.sql -- build, index and query a table of :rows rows, in memory.
-- SPDX-License-Identifier: MIT
create table item(id integer primary key, name text, kind integer, price real, note text);
begin;
insert into item
  with recursive n(i) as (select 1 union all select i + 1 from n where i < :rows)
  select i, 'item ' || (i * 7919 % 100003), i % 97, i * 31 % 1000 / 10.0,
         substr('a note that is of some length, or of none at all', 1, i * 13 % 50)
  from n;
create index item_name on item(name);
create index item_kind on item(kind, price);
commit;
select kind, count(*), sum(price), max(name) from item group by kind order by kind;
select count(distinct name), count(distinct note) from item;
select sum(length(a.note || b.name)) from item a join item b on b.id = a.id * 17 % :rows + 1;
select length(group_concat(name)) from item where kind < 50;
with word(w) as (select lower(replace(name, ' ', '_')) || '-' || note from item)
  select count(*), min(w), max(w) from (select distinct w from word);
update item set note = upper(note) || kind where id % 3 = 0;
delete from item where id % 5 = 0;
select count(*), sum(length(note)) from item;
