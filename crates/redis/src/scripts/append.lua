-- Appends events to the Stream, all or none, and gives each its number. A key that has come before is answered and not
-- appended. Everything that may fail is tried before the first event is added.
--
-- KEYS: events, meta, keys, ages, lease
-- ARGV: most events, most keys, how long keys are remembered (ms), the name of a new epoch, the token that the lease must
--   have ('' for none), the milliseconds of the newest id that the node has read, the node, the number of its first event;
--   then of each event: head, data, idempotency key ('' for none), matched
-- Returns the id of the last one appended ('' if none was), then of each that was not: its place (from 0), the id that the
--   key was first given ('' if that was another event), matched
local events, meta, keys, ages, lease = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local events_max, keys_max, window_ms = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local epoch_if_new, token, read_ms = ARGV[4], ARGV[5], tonumber(ARGV[6])
local node, first = ARGV[7], tonumber(ARGV[8])
-- About what Redis needs for an entry besides its head and its data.
local ENTRY_BYTES = 80

local function digits(number)
  return string.format('%.0f', number)
end

if token ~= '' and not ((redis.call('GET', lease) or ''):sub(1, #token + 1) == token .. ' ') then
  return redis.error_reply('NOLEASE it is held by another node')
end
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HMGET', meta, 'epoch', 'n', 'bytes')
local epoch, n, bytes = known[1], tonumber(known[2]), tonumber(known[3]) or 0
local kept = redis.call('ZCARD', ages)
redis.call('HLEN', keys)
redis.call('XLEN', events)
local next_id = '*'
if not epoch then
  epoch, n = epoch_if_new, 0
  redis.call('HSET', meta, 'epoch', epoch, 'n', 0, 'born', digits(now_ms))
  -- The Stream was emptied under this node: what it has read stays below.
  next_id = digits(math.max(now_ms, read_ms + 1)) .. '-0'
else
  -- So that Redis says if it takes no writes.
  redis.call('HSET', meta, 'n', digits(n))
end

local last, answers = '', {}
for at = 9, #ARGV, 4 do
  local place = (at - 9) / 4
  local head, data, key, matched = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local digest, print, given
  if key ~= '' and keys_max > 0 then
    digest, print = redis.sha1hex(key), redis.sha1hex(#head .. ' ' .. head .. data)
    given = redis.call('HGET', keys, digest)
    if given then
      local id, ms, given_matched, given_print = given:match('^((%d+)%-%d+) (%d+) (%x+)$')
      if not id or now_ms - tonumber(ms) > window_ms then
        given = nil
      elseif given_print == print then
        table.insert(answers, digits(place))
        table.insert(answers, id)
        table.insert(answers, given_matched)
      else
        table.insert(answers, digits(place))
        table.insert(answers, '')
        table.insert(answers, '0')
      end
    end
  end
  if not given then
    n, bytes = n + 1, bytes + #head + #data + ENTRY_BYTES
    if digest then
      -- By the millisecond, and those of one in their order.
      kept = kept + redis.call('ZADD', ages, now_ms * 4096 + n % 4096, digest)
    end
    local by = table.concat({ epoch, digits(n), digits(bytes), node, digits(first + place) }, ':')
    last = redis.call('XADD', events, 'MAXLEN', '~', events_max, next_id, 'at', by, 'head', head, 'data', data)
    next_id = '*'
    if digest then
      redis.call('HSET', keys, digest, last .. ' ' .. matched .. ' ' .. print)
    end
  end
end
if last ~= '' then
  redis.call('HSET', meta, 'n', digits(n), 'bytes', digits(bytes))
end

-- Those that are too many, and some of those that are too old.
if kept > keys_max then
  local oldest = redis.call('ZPOPMIN', ages, kept - keys_max)
  for at = 1, #oldest, 2 do
    redis.call('HDEL', keys, oldest[at])
  end
end
local old = redis.call('ZRANGEBYSCORE', ages, '-inf', '(' .. digits((now_ms - window_ms) * 4096), 'LIMIT', 0, 256)
for _, digest in ipairs(old) do
  redis.call('ZREM', ages, digest)
  redis.call('HDEL', keys, digest)
end
table.insert(answers, 1, last)
return answers
