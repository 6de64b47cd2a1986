"""What Redis runs for us: each script is one step that nobody can come between, on the server's clock.

The sums are those of books.py and pause.py, and the tests hold them to it. Keys: places under way (scored
by when they were taken), requests that ended (by when), the pause, then one for requests of others per
window. Arguments: seconds until a place lapses, seconds to keep everything, the epoch that the
caller knows, the number of windows, and for each window its length and how many it may hold.

The epoch names one life of these keys. If it is not the one that the caller knows, Redis has lost its
memory (a restart without persistence, a flush), and the caller must enter what it spent before it goes on.
"""

from typing import Final

from keebai_async.quota.pause import LONGEST_PAUSE

_BEGIN = (
    f"local LONGEST_PAUSE = {LONGEST_PAUSE:.0f}"
    """
local HELD, ENDED, PAUSE = KEYS[1], KEYS[2], KEYS[3]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local lapse, keep, epoch, windows = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local argument = 5 + 2 * windows
local function text(number) return string.format('%.6f', number) end
local function window(i)
  return tonumber(ARGV[3 + 2 * i]), tonumber(ARGV[4 + 2 * i]), KEYS[3 + i]
end
local function all_expire(seconds)
  for _, key in ipairs(KEYS) do redis.call('EXPIRE', key, math.ceil(seconds)) end
end
local known = redis.call('HGET', PAUSE, 'epoch')
if not known then
  known = epoch
  redis.call('HSET', PAUSE, 'epoch', epoch)
  redis.call('EXPIRE', PAUSE, math.ceil(keep))
end
local dead = redis.call('ZRANGEBYSCORE', HELD, '-inf', text(now - lapse), 'WITHSCORES')
for i = 1, #dead, 2 do
  redis.call('ZADD', ENDED, text(tonumber(dead[i + 1]) + lapse), dead[i])
  redis.call('ZREM', HELD, dead[i])
end
local function pause()
  local said = redis.call('HMGET', PAUSE, 'until', 'step', 'proving')
  return tonumber(said[1] or '-1'), tonumber(said[2] or '0'), said[3] == '1'
end
"""
)

TAKE: Final = (
    _BEGIN
    + """
local id, mine = ARGV[argument], ARGV[argument + 1]
if known ~= mine then return {'lost', known} end
local before = redis.call('ZSCORE', HELD, id)
if before then return {'held', text(tonumber(before))} end -- asked again after a lost answer
local rest, step, proving = pause()
if now < rest then return {'wait', text(rest - now), '0', '0'} end
local held = redis.call('ZCARD', HELD)
if proving and held > 0 then
  local last = redis.call('ZREVRANGE', HELD, 0, 0, 'WITHSCORES')
  if tonumber(last[2]) >= rest then return {'wait', '1', '0', '1'} end
end
local function opens(per, most, others)
  local low = '(' .. text(now - per)
  local counted = redis.call('ZCOUNT', ENDED, low, '+inf') + redis.call('ZCOUNT', others, low, '+inf')
  local excess = held + counted - most
  if excess < 0 then return now, held + counted + 1 end
  local first = {}
  for _, key in ipairs({ENDED, others}) do
    local some = redis.call('ZRANGEBYSCORE', key, low, '+inf', 'WITHSCORES', 'LIMIT', 0, excess + 1)
    for i = 2, #some, 2 do first[#first + 1] = tonumber(some[i]) end
  end
  table.sort(first)
  local past = 0
  while past < #first and first[past + 1] <= now do past = past + 1 end
  if excess < past then return first[excess + 1] + per end
  if excess < past + held then return now + per end
  return first[excess - held + 1] + per
end
local at, binding, spent = now, 0, {}
for i = 1, windows do
  local soonest, counted = opens(window(i))
  spent[i] = tostring(counted)
  if soonest > at then at, binding = soonest, i end
end
if binding > 0 then
  return {'wait', text(at - now), tostring(binding), held > 0 and '1' or '0'}
end
redis.call('ZADD', HELD, text(now), id)
all_expire(keep)
return {'held', text(now), unpack(spent)}
"""
)

SETTLE: Final = (
    _BEGIN
    + """
local id, taken, ending = ARGV[argument], tonumber(ARGV[argument + 1]), ARGV[argument + 2]
local grace, asked = tonumber(ARGV[argument + 3]), tonumber(ARGV[argument + 4])
taken = tonumber(redis.call('ZSCORE', HELD, id) or taken) -- it may have been entered again
redis.call('ZREM', HELD, id)
if ending == 'unsent' then
  redis.call('ZREM', ENDED, id)
  return '1'
end
redis.call('ZADD', ENDED, text(ending == 'answered' and now or now + grace), id)
local rest, step, proving = pause()
local shortest, longest = window(1), window(windows)
local expires = keep
if asked >= 0 then
  local length = step
  if asked > 0 then
    length = math.min(asked, LONGEST_PAUSE)
  elseif step == 0 then
    length, step = shortest, shortest
  elseif taken >= rest then
    length = math.min(2 * step, math.max(longest, shortest))
    step = length
  end
  rest = math.max(rest, now + length)
  redis.call('HSET', PAUSE, 'until', text(rest), 'step', text(step), 'proving', '1')
  expires = keep + rest - now
elseif ending == 'answered' and proving and taken >= rest then
  redis.call('HDEL', PAUSE, 'until', 'step', 'proving')
end
local since = now
local oldest = redis.call('ZRANGE', HELD, 0, 0, 'WITHSCORES')
if oldest[2] then since = math.min(now, tonumber(oldest[2])) end
for i = 1, windows do
  local per, most, others = window(i)
  local limit = tonumber(ARGV[argument + 3 + 2 * i])
  local remaining = tonumber(ARGV[argument + 4 + 2 * i])
  if remaining >= 0 then
    local low = '(' .. text(taken - per)
    local believed = redis.call('ZCARD', HELD)
      + redis.call('ZCOUNT', ENDED, low, '+inf') + redis.call('ZCOUNT', others, low, '+inf')
    for j = 1, limit - believed - remaining do redis.call('ZADD', others, text(now), id .. ':' .. j) end
  end
  redis.call('ZREMRANGEBYSCORE', others, '-inf', text(since - per))
end
redis.call('ZREMRANGEBYSCORE', ENDED, '-inf', text(since - math.max(3600, longest)))
all_expire(expires)
return proving and '1' or '0'
"""
)

ENTER: Final = (
    _BEGIN
    + """
-- What one caller spent: id and age of each request that ended, then of each that is under way.
local ended = tonumber(ARGV[argument])
local at = argument + 1
while ARGV[at] do
  local id, when = ARGV[at], text(now - tonumber(ARGV[at + 1]))
  if ended > 0 then
    redis.call('ZREM', HELD, id)
    redis.call('ZADD', ENDED, 'NX', when, id)
  elseif not redis.call('ZSCORE', ENDED, id) then
    redis.call('ZADD', HELD, 'NX', when, id)
  end
  ended, at = ended - 1, at + 2
end
all_expire(keep)
return known
"""
)

LOOK: Final = (
    _BEGIN
    + """
local rest = pause()
local function scores(key)
  local found = redis.call('ZRANGEBYSCORE', key, '(' .. text(now - window(windows)), '+inf', 'WITHSCORES')
  local only = {}
  for i = 2, #found, 2 do only[#only + 1] = found[i] end
  return only
end
local answer = {{text(now), text(rest), tostring(redis.call('ZCARD', HELD))}, scores(ENDED)}
for i = 1, windows do answer[#answer + 1] = scores(KEYS[3 + i]) end
return answer
"""
)
