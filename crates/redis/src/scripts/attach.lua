-- Says where the Stream stands, and sees to it that a Stream that has gone back (emptied, from a snapshot, or of a server that
-- had not everything) goes on above what this node has had: in a new epoch, whose first entry says to all nodes that events may
-- be lost.
--
-- KEYS: events, meta, keys, ages, lease
-- ARGV: the name of a new epoch; which process the server is, '' if that says nothing of what it has; then the position of the
--   node, if it has one: the id of an event, its epoch and its number, and the newest id that it has read
-- Returns epoch, n, born (ms), the id of the newest entry that said so ('' if none did), the last id given
local events, meta, keys, ages = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local new_epoch, run = ARGV[1], ARGV[2]
local seen, seen_epoch, seen_n, cursor = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]

local types = { 'stream', 'hash', 'hash', 'zset', 'string' }
for at, key in ipairs(KEYS) do
  local type = redis.call('TYPE', key).ok
  if type ~= 'none' and type ~= types[at] then
    return redis.error_reply('WRONGTYPE the key ' .. key .. ' is a ' .. type .. ' and no ' .. types[at])
  end
end
-- What append.lua does behind an event may not fail there for want of a permission.
redis.call('ZREM', ages, '')
redis.call('ZPOPMIN', ages, 0)
redis.call('ZRANGEBYSCORE', ages, 0, 0, 'LIMIT', 0, 0)
redis.call('HDEL', keys, '')

local function digits(number)
  return string.format('%.0f', number)
end

local function parts(id)
  local ms, n = id:match('^(%d+)%-(%d+)$')
  return tonumber(ms), tonumber(n)
end

local function is_less(a, b)
  local a_ms, a_n = parts(a)
  local b_ms, b_n = parts(b)
  return a_ms < b_ms or (a_ms == b_ms and a_n < b_n)
end

local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HMGET', meta, 'epoch', 'n', 'born', 'lost', 'run')
local epoch, n, born, lost, last_run = known[1], tonumber(known[2]), known[3], known[4] or '', known[5]
if not epoch then
  epoch, n, born, lost = new_epoch, 0, digits(now_ms), ''
  redis.call('HSET', meta, 'epoch', epoch, 'n', 0, 'born', born)
end

local last = '0-0'
if redis.call('EXISTS', events) == 1 then
  local info = redis.call('XINFO', 'STREAM', events)
  for at = 1, #info, 2 do
    if info[at] == 'last-generated-id' then
      last = info[at + 1]
    end
  end
elseif n > 0 and not seen then
  -- Deleted, with its last id: whatever it had is gone.
  last = digits(now_ms - 1) .. '-0'
end

local function has_gone_back()
  if lost ~= '' and is_less(cursor, lost) then
    return false -- The node comes to the entry that says so.
  end
  if epoch ~= seen_epoch or n < seen_n or is_less(last, cursor) then
    return true
  end
  local entry = redis.call('XRANGE', events, seen, seen)[1]
  if entry then
    local fields = entry[2]
    for at = 1, #fields, 2 do
      if fields[at] == 'at' then
        local prefix = seen_epoch .. ':' .. digits(seen_n) .. ':'
        return fields[at + 1]:sub(1, #prefix) ~= prefix
      end
    end
    return false
  end
  -- Trimmed, or it never was there.
  local first = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
  return first and is_less(first[1], seen) or false
end

-- Started again since, without a log of all that it was given.
local is_from_snapshot = run ~= '' and last_run and last_run ~= run
if is_from_snapshot or (seen and has_gone_back()) then
  local ms = math.max(now_ms, (parts(cursor or '0-0')) + 1, (parts(last)) + 1)
  epoch, n, last = new_epoch, 1, digits(ms) .. '-0'
  redis.call('XADD', events, last, 'at', epoch .. ':1:0::0', 'lost', 'restart')
  redis.call('HSET', meta, 'epoch', epoch, 'n', n, 'bytes', 0, 'lost', last)
  lost = last
end
if run ~= '' and last_run ~= run then
  redis.call('HSET', meta, 'run', run)
end
return { epoch, digits(n), born, lost, last }
