#!/bin/sh
# tests/programs/lua.sh -- tables, strings and coroutines, also in a small address space.
# SPDX-License-Identifier: MIT
. "$(dirname "$0")/lib.inc"

cat >work.lua <<'END'
local sum = 0
for round = 1, 10 do
  local t = {}
  for i = 1, 50000 do t[i] = { id = i, name = ("n%d"):format(i * round % 977) } end
  table.sort(t, function(a, b) return a.name == b.name and a.id < b.id or a.name < b.name end)
  local parts = {}
  for i = 1, #t, 10 do parts[#parts + 1] = t[i].name:rep(i % 5) end
  local text = table.concat(parts, ",")
  local wrap = coroutine.wrap(function() for w in text:gmatch("[^,]+") do coroutine.yield(#w) end end)
  for length in wrap do sum = sum + length end
  print(round, t[1].id, t[#t].name, #text, sum)
end
-- A string that doubles until memory ends: refused as an error that Lua can catch, and life goes on.
if arg[1] then
  local ok, why = pcall(function() local s = ("x"):rep(1024) while true do s = s .. s end end)
  print(ok, why)
end
collectgarbage()
print(collectgarbage("count") < 2000)
END

uses_midden lua5.4 -v
same_answer lua5.4 work.lua
grep -qx true with || fail "lua counts memory that it should have freed"
(ulimit -v 200000 && on_midden lua5.4 work.lua until-refused) >small ||
  fail "lua5.4 failed under 'ulimit -v 200000', with status $?"
grep -q "^false.not enough memory$" small || fail "memory was not refused: $(tail -n 2 small)"
grep -v '^false' small | cmp - with >&2 || fail "lua5.4 answers otherwise under 'ulimit -v 200000'"
