"""What Redis runs for us: each script is one step that nobody can come between, on the server's clock.

The sums are those of books.py and pause.py, and the tests hold them to it. Keys: places under way (scored
by when they were taken), requests that ended (by when), the head, then one for requests of others per window.
The head has the epoch, the pause, the limits, and what is known of a loss. Arguments: seconds until a place
lapses, seconds to keep everything, the epoch that the caller knows, a name for the next one, the number of
windows, and for each window its length and how many it may hold.

The epoch names one life of these keys. If it is not the one that the caller knows, Redis has lost something,
and the caller must tell again what it spent before it goes on (recollection.py). The head counts the members
of the other keys, so one that was evicted alone is missed; and it knows when it was last written, so a clock
that was put back puts everything back.
"""

from typing import Final

from keebai_async.quota.pause import LONGEST_PAUSE

HEAD_LIFE: Final = 90 * 86_400
"""Seconds for which the limits are kept, and a loss can be told from nothing."""

_BEGIN = (
    f"local LONGEST_PAUSE, HEAD_LIFE = {LONGEST_PAUSE:.0f}, {HEAD_LIFE}"
    """
local HELD, ENDED, HEAD = KEYS[1], KEYS[2], KEYS[3]
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local lapse, keep, mine, newborn = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4]
local windows = tonumber(ARGV[5])
local argument = 6 + 2 * windows
local function text(number) return string.format('%.6f', number) end
local function name(i) return ARGV[4 + 2 * i] end
local function window(i) return tonumber(ARGV[4 + 2 * i]), tonumber(ARGV[5 + 2 * i]), KEYS[3 + i] end
local head = {}
local flat = redis.call('HGETALL', HEAD)
for i = 1, #flat, 2 do head[flat[i]] = flat[i + 1] end
local function put(field, value)
  head[field] = value
  if value then redis.call('HSET', HEAD, field, value) else redis.call('HDEL', HEAD, field) end
end
local function lists()
  local all = {HELD, ENDED}
  for i = 1, windows do all[#all + 1] = KEYS[3 + i] end
  return all
end
local function shift(seconds)
  -- Nothing can have happened later than now, but for those that were given up and count with a grace.
  for _, key in ipairs(lists()) do
    local some = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
    for i = 1, #some, 2 do
      local at = tonumber(some[i + 1]) + seconds
      if seconds > 0 then at = math.max(tonumber(some[i + 1]), math.min(at, now)) end
      redis.call('ZADD', key, text(at), some[i])
    end
  end
  for _, field in ipairs({'until', 'born'}) do
    if head[field] then put(field, text(math.min(tonumber(head[field]) + seconds, now + LONGEST_PAUSE))) end
  end
end
local function counted_since(per, low, key)
  low = '(' .. text(low - per)
  return redis.call('ZCOUNT', ENDED, low, '+inf') + redis.call('ZCOUNT', key, low, '+inf')
end
local function begin_again(lost)
  put('epoch', newborn)
  if lost then
    put('born', text(now))
    put('before', false)
    for i = 1, windows do
      local per, _, others = window(i)
      put('most:' .. name(i), false)
      put('told:' .. name(i), tostring(redis.call('ZCARD', HELD) + counted_since(per, now, others)))
    end
  end
end
local function whole()
  if not head.epoch then return false end
  if now >= tonumber(head.kept or '0') - 1 then return true end -- all but the head may have expired
  for _, key in ipairs(lists()) do
    if redis.call('ZCARD', key) ~= tonumber(head['n:' .. key] or '0') then return false end
  end
  return true
end
local last = tonumber(head.last or '0')
if now < last - 0.5 then shift(now - last) end -- its clock was put back
if not whole() then begin_again(true) end
local dead = redis.call('ZRANGEBYSCORE', HELD, '-inf', text(now - lapse), 'WITHSCORES')
for i = 1, #dead, 2 do
  redis.call('ZADD', ENDED, text(tonumber(dead[i + 1]) + lapse), dead[i])
  redis.call('ZREM', HELD, dead[i])
end
local function pause()
  return tonumber(head['until'] or '-1'), tonumber(head.step or '0'), head.proving == '1'
end
-- How many may have been spent before the loss that nobody has told of since.
local function untold(i)
  local per = tonumber(name(i))
  if not head.born or now >= tonumber(head.born) + per then return 0 end
  return math.max(0, tonumber(head['most:' .. name(i)] or '0') - tonumber(head['told:' .. name(i)] or '0'))
end
-- Enter that one of them, which ended *at*, is told now.
local function told(at)
  for i = 1, windows do
    if at > tonumber(head.born or '0') - tonumber(name(i)) then
      put('told:' .. name(i), tostring(tonumber(head['told:' .. name(i)] or '0') + 1))
    end
  end
end
local function main()
"""
)

_END = """
end
local answer = main()
local expires = keep + math.max(0, tonumber(head['until'] or '0') - now)
local fields = {'last', text(now), 'kept', text(now + expires)}
for _, key in ipairs(lists()) do
  redis.call('EXPIRE', key, math.ceil(expires))
  fields[#fields + 1], fields[#fields + 2] = 'n:' .. key, redis.call('ZCARD', key)
end
redis.call('HSET', HEAD, unpack(fields))
redis.call('EXPIRE', HEAD, HEAD_LIFE)
return answer
"""

TAKE: Final = (
    _BEGIN
    + """
local id, version = ARGV[argument], ARGV[argument + 3]
local ended, under_way = ARGV[argument + 1], ARGV[argument + 2]
local function has(witness)
  return witness == '' or redis.call('ZSCORE', HELD, witness) or redis.call('ZSCORE', ENDED, witness)
end
if head.epoch ~= mine then return {'lost', text(now), text(now - tonumber(head.born or now))} end
if not has(ended) then return {'missing', text(now), ended} end
if not has(under_way) then return {'missing', text(now), under_way} end
if version ~= '' and version ~= head.version then return {'limits', text(now)} end
local before = redis.call('ZSCORE', HELD, id)
if before then return {'held', text(now), text(tonumber(before))} end -- asked again after a lost answer
local rest, step, proving = pause()
if now < rest then return {'wait', text(now), text(rest - now), '0', '0'} end
local held = redis.call('ZCARD', HELD)
if proving and held > 0 then
  local latest = redis.call('ZREVRANGE', HELD, 0, 0, 'WITHSCORES')
  if tonumber(latest[2]) >= rest then return {'wait', text(now), '1', '0', '1'} end
end
local function opens(i)
  local per, most, others = window(i)
  local unknown = untold(i)
  local low = '(' .. text(now - per)
  local counted = counted_since(per, now, others) + unknown
  local excess = held + counted - most
  if excess < 0 then return now, held + counted + 1, unknown end
  local first = {}
  for _, key in ipairs({ENDED, others}) do
    local some = redis.call('ZRANGEBYSCORE', key, low, '+inf', 'WITHSCORES', 'LIMIT', 0, excess + 1)
    for j = 2, #some, 2 do first[#first + 1] = tonumber(some[j]) end
  end
  for j = 1, math.min(unknown, excess + 1) do first[#first + 1] = tonumber(head.born) end
  table.sort(first)
  local past = 0
  while past < #first and first[past + 1] <= now do past = past + 1 end
  if excess < past then return first[excess + 1] + per, 0, unknown end
  if excess < past + held then return now + per, 0, unknown end
  return first[excess - held + 1] + per, 0, unknown
end
local at, binding, loose, spent = now, 0, held > 0, {}
for i = 1, windows do
  local soonest, counted, unknown = opens(i)
  spent[i] = tostring(counted)
  loose = loose or unknown > 0
  if soonest > at then at, binding = soonest, i end
end
if binding > 0 then
  return {'wait', text(now), text(at - now), tostring(binding), loose and '1' or '0'}
end
redis.call('ZADD', HELD, text(now), id)
return {'held', text(now), text(now), unpack(spent)}
"""
    + _END
)

SETTLE: Final = (
    _BEGIN
    + """
local id, taken, ending = ARGV[argument], tonumber(ARGV[argument + 1]), ARGV[argument + 2]
local grace, asked = tonumber(ARGV[argument + 3]), tonumber(ARGV[argument + 4])
local before = redis.call('ZSCORE', HELD, id)
taken = tonumber(before or taken) -- it may have been entered again
local known = before or redis.call('ZSCORE', ENDED, id)
redis.call('ZREM', HELD, id)
local rest, step, proving = pause()
local again = head.epoch ~= mine and '1' or '0'
if ending == 'unsent' then
  redis.call('ZREM', ENDED, id)
  return {'1', again}
end
redis.call('ZADD', ENDED, text(ending == 'answered' and now or now + grace), id)
-- What was taken before the loss, unless one had it of one's own share while Redis was gone.
if not known and head.epoch ~= mine and taken > now - 86400 then told(now) end
local shortest, longest = window(1), window(windows)
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
  put('until', text(rest)); put('step', text(step)); put('proving', '1')
elseif ending == 'answered' and proving and taken >= rest then
  put('until', false); put('step', false); put('proving', false)
end
local since = now
local oldest = redis.call('ZRANGE', HELD, 0, 0, 'WITHSCORES')
if oldest[2] then since = math.min(now, tonumber(oldest[2])) end
for i = 1, windows do
  local per, most, others = window(i)
  local limit = tonumber(ARGV[argument + 3 + 2 * i])
  local remaining = tonumber(ARGV[argument + 4 + 2 * i])
  if remaining >= 0 then
    local believed = redis.call('ZCARD', HELD) + counted_since(per, taken, others) + untold(i)
    for j = 1, limit - believed - remaining do redis.call('ZADD', others, text(now), id .. ':' .. j) end
  end
  redis.call('ZREMRANGEBYSCORE', others, '-inf', text(since - per))
end
redis.call('ZREMRANGEBYSCORE', ENDED, '-inf', text(since - math.max(3600, longest)))
return {proving and '1' or '0', again}
"""
    + _END
)

ENTER: Final = (
    _BEGIN
    + """
-- What one caller spent: how much all had spent at most when the memory was lost, for each window (or -1);
-- seconds of a pause; how many requests ended; id, age, and whether it was given by Redis, of each of them,
-- then of each that is under way. What Redis gave to who does not know this epoch, it gave before the loss.
local news = mine ~= '' and head.epoch ~= mine and head.before ~= mine and head.born
for i = 1, windows do
  local most, field = tonumber(ARGV[argument + i - 1]), 'most:' .. name(i)
  if news and most >= 0 then put(field, tostring(math.min(most, tonumber(head[field] or most)))) end
end
local at = argument + windows
local rest, ended = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
at = at + 2
if rest > 0 and now + rest > pause() then
  put('until', text(now + math.min(rest, LONGEST_PAUSE))); put('proving', '1')
end
while ARGV[at] do
  local id, when, given = ARGV[at], now - tonumber(ARGV[at + 1]), ARGV[at + 2] == '1'
  local under_way, past = redis.call('ZSCORE', HELD, id), redis.call('ZSCORE', ENDED, id)
  if ended > 0 then
    if under_way then redis.call('ZREM', HELD, id) end
    if not past then redis.call('ZADD', ENDED, text(when), id) end
  elseif not past and not under_way then
    redis.call('ZADD', HELD, text(when), id)
  end
  if news and given and not past and not under_way then told(ended > 0 and when or now) end
  ended, at = ended - 1, at + 3
end
return head.epoch
"""
    + _END
)

BEGIN_AGAIN: Final = (
    _BEGIN
    + """
-- Something is missing, or the clock leapt ahead by so many seconds; the place *id* was given in error.
local id, leapt = ARGV[argument], tonumber(ARGV[argument + 1])
redis.call('ZREM', HELD, id)
if head.epoch == mine then
  if leapt > 0 then shift(leapt) end
  begin_again(leapt == 0)
  if leapt > 0 then put('before', mine) end -- who knows that one has nothing to tell
end
return head.epoch
"""
    + _END
)

AGREE: Final = (
    _BEGIN
    + """
-- Limits: whether they are set on purpose, whether that is being done now, then seconds and limit of each.
local set, now_set, at = ARGV[argument], ARGV[argument + 1], argument + 2
local kept, count = {}, 0
for field, value in pairs(head) do
  if string.sub(field, 1, 6) == 'limit:' then
    kept[string.sub(field, 7)], count = tonumber(value), count + 1
  end
end
local changed = false
if now_set == '1' then
  for per, _ in pairs(kept) do put('limit:' .. per, false) end
  kept, count = {}, 0
end
local fixed = count > 0 and head.set == '1' and set ~= '1'
if not fixed and ARGV[at] then
  put('set', ((count == 0 or head.set == '1') and set == '1') and '1' or '0')
  while ARGV[at] do
    local per, limit = ARGV[at], tonumber(ARGV[at + 1])
    if not kept[per] or limit < kept[per] then
      put('limit:' .. per, tostring(limit))
      changed = true
    end
    at = at + 2
  end
end
if changed or not head.version then put('version', newborn) end
local answer = {head.version, head.set or '0'}
for field, value in pairs(head) do
  if value and string.sub(field, 1, 6) == 'limit:' then
    answer[#answer + 1], answer[#answer + 2] = string.sub(field, 7), value
  end
end
return answer
"""
    + _END
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
for i = 1, windows do
  local some = scores(KEYS[3 + i])
  for j = 1, untold(i) do some[#some + 1] = head.born end
  answer[#answer + 1] = some
end
return answer
"""
    + _END
)
