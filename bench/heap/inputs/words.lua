-- bench/heap/inputs/words.lua -- a Lua program of everyday: words.lua STEPS
--
-- Text is made, cut into words, counted in tables, put into objects with methods, sorted and joined.
-- SPDX-License-Identifier: MIT
local Word = {}
Word.__index = Word

function Word.new(text) return setmetatable({text = text, count = 0, seen = {}}, Word) end

function Word:see(at)
  self.count = self.count + 1
  self.seen[#self.seen + 1] = at
end

local function text_of(seed, words)
  local made = {}
  for i = 1, words do
    seed = (seed * 1103515245 + 12345) % 2147483648
    made[i] = "word" .. seed // 65536 % 3000
  end
  return table.concat(made, " ")
end

local total, kept = 0, {}
for step = 1, tonumber(arg[1]) do
  local found, order = {}, {}
  local at = 0
  for text in text_of(step, 8000):gmatch("%a+(%d+)") do
    at = at + 1
    local word = found[text]
    if not word then
      word = Word.new(text)
      found[text], order[#order + 1] = word, word
    end
    word:see(at)
  end
  table.sort(order, function(a, b)
    return a.count > b.count or a.count == b.count and a.text < b.text
  end)
  local lines = {}
  for i, word in ipairs(order) do lines[i] = word.text .. "=" .. word.count .. ":" .. #word.seen end
  kept[step % 7] = table.concat(lines, "\n")
  total = total + #kept[step % 7] + at
end
print(total)
