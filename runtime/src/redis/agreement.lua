-- What a fleet has agreed about one breaker, read from its keys. Stands in front of each script; the rules are those
-- of `shared/agreement.rs`. Times are microseconds of the server's clock, and only durations leave it. A number is
-- written with '%.0f', for Lua would round it.
--
-- KEYS  1 state  2 counts  3 votes  4 failing  5 instances  6 leases  7 what each instance has handed in last
--       3 to 6 hold ends, by instance, or by lease and instance
-- ARGV  1 channel  2 breaker  3 instance  4 milliseconds that the keys outlive their use
local STATE, COUNTS, VOTES, FAILING, ALIVE, LEASES, HEARD = unpack(KEYS)
local instance, kept = ARGV[3], tonumber(ARGV[4])
local VERSION, DAY, MOST = '1', 24 * 3600 * 1000000, 4294967295
local states, modes = { closed = true, open = true, half_open = true },
  { auto = true, forced_open = true, disabled = true, metrics_only = true }

local function text(number) return string.format('%.0f', number) end

local fields = redis.call('HMGET', STATE, 'v', 'epoch', 'state', 'mode', 'until', 'reopened', 'successes', 'latest',
  'last_lease', 'by', 'made', 'ordered', 'orderer')
-- What is no later version is damage.
local version = fields[1] or VERSION
if (tonumber(version) or 0) > tonumber(VERSION) then return redis.error_reply('CBVERSION ' .. version) end

local damaged = version ~= VERSION
local function number(field, most)
  local value = tonumber(fields[field] or '0')
  if value and value >= 0 and value <= (most or 2 ^ 53 - 1) and value == math.floor(value) then return value end
  damaged = true
  return 0
end
-- Made: the latest time at which an epoch was made. Ordered: when the last order was given, which the orderer brought.
local is = { epoch = number(2), state = fields[3] or 'closed', mode = fields[4] or 'auto', ends = number(5),
  reopened = number(6, MOST), successes = number(7, MOST), last_lease = number(9), by = fields[10],
  made = number(11), ordered = number(12), orderer = fields[13] }
if not states[is.state] then is.state, damaged = 'closed', true end
if not modes[is.mode] then is.mode, damaged = 'auto', true end
local before, changed = is.epoch, false

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

-- If the clock has stepped back, everything goes on from where it was.
local back = number(8) - now
if back > 0 then
  is.ends, is.ordered, changed = math.max(0, is.ends - back), math.max(0, is.ordered - back), true
  for _, key in ipairs({ VOTES, FAILING, ALIVE, LEASES }) do
    local ends = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for i = 1, #ends, 2 do redis.call('ZADD', key, text(math.max(0, tonumber(ends[i + 1]) - back)), ends[i]) end
  end
end
for _, key in ipairs({ VOTES, FAILING, ALIVE, LEASES }) do redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now)) end

-- An epoch is a time that the clock shows, or has shown; one that is further ahead is none that a fleet has made.
local function wrong_epoch() return is.epoch > math.max(now, is.made) + DAY end

local function problem()
  if damaged then return redis.error_reply('CBDAMAGED') end
  if wrong_epoch() then return redis.error_reply('CBEPOCH ' .. text(is.epoch) .. ' ' .. text(now)) end
end

local function add(key, member, lasts)
  redis.call('ZADD', key, text(now + lasts), member)
  redis.call('PEXPIRE', key, text(kept + math.ceil(lasts / 1000)))
end

-- The leases of this instance, and their ends.
local function own()
  local ends, all = {}, redis.call('ZRANGE', LEASES, 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    if string.match(all[i], '^%d+ (.*)$') == instance then ends[all[i]] = tonumber(all[i + 1]) end
  end
  return ends
end

-- Half of those that live, or fewer.
local function needed(quorum)
  return math.max(1, math.min(math.ceil(redis.call('ZCARD', ALIVE) / 2), quorum))
end

-- Begins an epoch, which is later than any other: than the one before, and than the time, should that be lost.
local function enter(state, ends)
  is.epoch, is.made = math.max(now, is.epoch + 1), math.max(now, is.made)
  is.state, is.ends, is.successes, is.by, changed = state, ends, 0, false, true
  -- What somebody else keeps there is left alone: that is an error.
  for _, key in ipairs({ COUNTS, HEARD }) do redis.call('HGET', key, '') end
  redis.call('DEL', COUNTS, VOTES, FAILING, LEASES, HEARD)
end

local function open(wait, reopened)
  is.reopened = math.min(reopened, MOST)
  enter('open', now + wait)
end

-- Keeps what it has come to, tells the others of a new epoch, and answers.
local function view(verdict, granted)
  if changed then
    redis.call('HSET', STATE, 'v', VERSION, 'epoch', text(is.epoch), 'state', is.state, 'mode', is.mode,
      'until', text(is.ends), 'reopened', text(is.reopened), 'successes', text(is.successes),
      'latest', text(now), 'last_lease', text(is.last_lease), 'made', text(is.made))
    if is.orderer then redis.call('HSET', STATE, 'ordered', text(is.ordered), 'orderer', is.orderer) end
    if is.by then redis.call('HSET', STATE, 'by', is.by) else redis.call('HDEL', STATE, 'by') end
  else
    redis.call('HSET', STATE, 'v', VERSION, 'latest', text(now))
  end
  local left = math.max(0, is.ends - now)
  -- What an operator has ordered holds until it is taken back.
  if is.mode ~= 'auto' then redis.call('PERSIST', STATE)
  else redis.call('PEXPIRE', STATE, text(kept + math.ceil(left / 1000))) end
  if is.epoch ~= before then
    redis.call('PUBLISH', ARGV[1], table.concat({ instance, text(is.epoch), is.state, ARGV[2] }, '\31'))
  end
  local answer = { verdict, text(is.epoch), is.state, is.mode, text(left), text(is.reopened), text(is.successes),
    redis.call('ZCARD', VOTES), needed(MOST), is.by or false }
  for _, lease in ipairs(granted or {}) do answer[#answer + 1] = lease end
  return answer
end
