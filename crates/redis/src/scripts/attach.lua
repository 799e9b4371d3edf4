-- Says where the Stream stands, and sees to it that a Stream that has gone back (emptied, or of a server that had not
-- everything) goes on above what this node has had: with an entry that says to all nodes that events may be lost.
--
-- KEYS: events, meta, keys, ages, lease
-- ARGV: the name of a new epoch; then the position of the node, if it has one: the id of an event, its epoch and its number
-- Returns epoch, n, born (ms), the id of the newest entry that said so ('' if none did), the last id given
local events, meta = KEYS[1], KEYS[2]
local seen, seen_epoch, seen_n = ARGV[2], ARGV[3], tonumber(ARGV[4])

local types = { 'stream', 'hash', 'hash', 'zset', 'string' }
for at, key in ipairs(KEYS) do
  local type = redis.call('TYPE', key).ok
  if type ~= 'none' and type ~= types[at] then
    return redis.error_reply('WRONGTYPE the key ' .. key .. ' is a ' .. type .. ' and no ' .. types[at])
  end
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
local known = redis.call('HMGET', meta, 'epoch', 'n', 'born', 'lost')
local epoch, n, born, lost = known[1], tonumber(known[2]), known[3], known[4] or ''
if not epoch then
  epoch, n, born, lost = ARGV[1], 0, string.format('%.0f', now_ms), ''
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
end

local function has_gone_back()
  if lost ~= '' and is_less(seen, lost) then
    return false -- The node comes to the entry that says so.
  end
  if epoch ~= seen_epoch or n < seen_n or is_less(last, seen) then
    return true
  end
  local entry = redis.call('XRANGE', events, seen, seen)[1]
  if entry then
    local fields = entry[2]
    for at = 1, #fields, 2 do
      if fields[at] == 'at' then
        local prefix = string.format('%s:%.0f:', seen_epoch, seen_n)
        return fields[at + 1]:sub(1, #prefix) ~= prefix
      end
    end
    return false
  end
  -- Trimmed, or it never was there.
  local first = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
  return first and is_less(first[1], seen) or false
end

if seen and has_gone_back() then
  n = n + 1
  local ms = math.max(now_ms, (parts(seen)) + 1, (parts(last)) + 1)
  last = string.format('%.0f-0', ms)
  local by = string.format('%s:%.0f::0', epoch, n)
  redis.call('XADD', events, last, 'at', by, 'lost', 'restart')
  redis.call('HSET', meta, 'n', string.format('%.0f', n), 'lost', last)
  lost = last
end
return { epoch, string.format('%.0f', n), born, lost, last }
