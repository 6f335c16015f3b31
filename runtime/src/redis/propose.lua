-- What an instance wants of the fleet, decided on an epoch that it names.
--
-- ARGV  5 proposal  6 epoch that it was decided on  7.. what the proposal has
local what, on = ARGV[5], tonumber(ARGV[6])
local arg = {}
for i = 7, #ARGV do arg[i - 6] = ARGV[i] end

if what ~= 'command' then
  local wrong = problem()
  if wrong then return wrong end
end

-- The open time is over, by the clock of the server or by that of the instance: what follows is half-open.
local function try(over)
  if is.state == 'closed' then return 'stale' end
  if is.state == 'open' then
    if not over then return 'wait' end
    enter('half_open', now)
  end
end

local proposals = {}

-- wait, quorum, how long the vote holds
function proposals.trip()
  if is.state ~= 'closed' then return 'stale' end
  add(VOTES, instance, tonumber(arg[3]))
  if redis.call('ZCARD', VOTES) < needed(tonumber(arg[2])) then return 'voted' end
  open(tonumber(arg[1]), 0)
  return 'applied'
end

function proposals.withdraw()
  redis.call('ZREM', VOTES, instance)
  return 'applied'
end

-- whether the instance has waited long enough, places, how many it wants, how long a lease holds, leases that it has
function proposals.lease()
  local verdict = try(now >= is.ends or arg[1] == '1')
  if verdict then return verdict end
  local taken = redis.call('ZCARD', LEASES)
  local free = math.max(0, tonumber(arg[2]) - taken - is.successes)
  -- Instances with other settings may have left successes that do not suffice; it goes on all the same.
  if taken == 0 then free = math.max(1, free) end
  local granted = {}
  for i = 1, math.min(free, tonumber(arg[3])) do
    -- No two leases have one number: who reports one that is over must not end that of another.
    is.last_lease, changed = math.max(is.last_lease, is.epoch) + 1, true
    granted[i] = text(is.last_lease)
    add(LEASES, granted[i] .. ' ' .. instance, tonumber(arg[4]))
  end
  return 'granted', granted
end

-- successes, failures, successes that close, wait, how long other leases hold after a success, leases
local ended = 0
function proposals.report()
  local verdict = try(now >= is.ends)
  if verdict then return verdict end
  -- A lease ends once, so that a report that is repeated counts once.
  local successes = tonumber(arg[1])
  if #arg > 5 then successes = math.min(successes, ended) end
  if tonumber(arg[1]) > 0 then
    -- The episode of the instance lasts longer now, and its other trials may too.
    for lease, ends in pairs(own()) do
      if ends < now + tonumber(arg[5]) then add(LEASES, lease, tonumber(arg[5])) end
    end
  end
  is.successes, changed = math.min(MOST, is.successes + successes), true
  if tonumber(arg[2]) > 0 then
    open(tonumber(arg[4]), is.reopened + 1)
  elseif is.successes >= tonumber(arg[3]) then
    is.reopened = 0
    enter('closed', now)
  end
  return 'applied'
end

-- order, mode or open time, who, how long ago
function proposals.command()
  local given = math.max(0, now - tonumber(arg[4]))
  -- One instance brings its orders one after another, however long each is under way.
  local wrong = damaged or wrong_epoch()
  if not wrong and is.orderer and is.orderer ~= instance and given < is.ordered then return 'stale' end
  is.ordered, is.orderer = given, instance
  if wrong_epoch() then is.epoch = 0 end
  if arg[1] == 'mode' then
    is.mode = arg[2]
    enter(is.state, is.ends)
  elseif arg[1] == 'reset' then
    is.mode, is.reopened = 'auto', 0
    enter('closed', now)
  else
    is.mode = 'auto'
    open(tonumber(arg[2]), is.reopened)
  end
  is.by = arg[3]
  return 'applied'
end

-- epoch, state, mode, left, reopened, whether somebody has ordered it, who
function proposals.reseed()
  local epoch = tonumber(arg[1])
  if epoch <= is.epoch or epoch > now + DAY then return 'stale' end
  -- The leases of a half-open episode are gone with the store that held them.
  local state, left = arg[2], tonumber(arg[4])
  if state == 'half_open' then state, left = 'open', 0 end
  is.mode, is.reopened = arg[3], tonumber(arg[5])
  enter(state, now + left)
  is.epoch, is.by = epoch, arg[6] == '1' and arg[7]
  return 'applied'
end

if what == 'report' then
  for i = 6, #arg do ended = ended + redis.call('ZREM', LEASES, arg[i] .. ' ' .. instance) end
elseif what == 'lease' then
  -- The answer that granted the others was lost, and nobody will report them.
  local held = {}
  for i = 5, #arg do held[arg[i] .. ' ' .. instance] = true end
  for lease in pairs(own()) do
    if not held[lease] then redis.call('ZREM', LEASES, lease) end
  end
end
local fenced = on ~= is.epoch or is.mode ~= 'auto'
if fenced and what ~= 'command' and what ~= 'reseed' then return view('stale') end
return view(proposals[what]())
