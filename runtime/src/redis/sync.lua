-- A sign of life, what was counted since the last one, and a look.
--
-- ARGV  5 lives  6 epoch of the counts, or empty if there are none  7 failures  8 successes  9 window
--       10 failures that open, or empty  11 rate that opens, or empty  12 calls without a rate  13 quorum  14 wait
--       15 serial
local wrong = problem()
if wrong then return wrong end

-- Whether this is what the instance has handed in last, and so counts once.
local function is_heard()
  local lives, heard = {}, redis.call('HKEYS', HEARD)
  for _, other in ipairs(redis.call('ZRANGE', ALIVE, 0, -1)) do lives[other] = true end
  for _, other in ipairs(heard) do
    if not lives[other] then redis.call('HDEL', HEARD, other) end
  end
  local last = redis.call('HGET', HEARD, instance)
  redis.call('HSET', HEARD, instance, ARGV[15])
  redis.call('PEXPIRE', HEARD, text(kept))
  return last == ARGV[15]
end

local function count()
  local failures, successes, window = tonumber(ARGV[7]), tonumber(ARGV[8]), math.max(1, tonumber(ARGV[9]))
  local begun = text(now - now % math.max(1, math.floor(window / 10)))
  local all, gone, sum = redis.call('HGETALL', COUNTS), {}, { f = 0, s = 0 }
  local function note(kind, more)
    redis.call('HINCRBY', COUNTS, begun .. kind, text(more))
    sum[kind] = sum[kind] + more
  end
  for i = 1, #all, 2 do
    local bucket, kind = tonumber(string.sub(all[i], 1, -2)), string.sub(all[i], -1)
    local value = #all[i + 1] < 16 and string.match(all[i + 1], '^%d+$')
    if not bucket or bucket > now or bucket + window <= now or not sum[kind] or not value then gone[#gone + 1] = all[i]
    else sum[kind] = sum[kind] + tonumber(value) end
  end
  for _, field in ipairs(gone) do redis.call('HDEL', COUNTS, field) end
  if failures > 0 then
    note('f', failures)
    add(FAILING, instance, tonumber(ARGV[9]))
  end
  if successes > 0 then note('s', successes) end
  redis.call('PEXPIRE', COUNTS, text(kept + math.ceil(window / 1000)))

  local calls, threshold, rate = sum.f + sum.s, tonumber(ARGV[10]), tonumber(ARGV[11])
  local many = threshold and sum.f >= threshold
  local much = rate and calls >= math.max(1, tonumber(ARGV[12])) and sum.f / calls >= rate
  if (many or much) and redis.call('ZCARD', FAILING) >= needed(tonumber(ARGV[13])) then open(tonumber(ARGV[14]), 0) end
end

add(ALIVE, instance, tonumber(ARGV[5]))
if ARGV[6] ~= '' and is.state == 'closed' and is.mode == 'auto' and tonumber(ARGV[6]) == is.epoch
  and not is_heard() then count() end
return view('')
