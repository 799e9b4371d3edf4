-- Says how far the Stream has come.
--
-- KEYS: events, meta, keys, ages, lease
-- Returns the last id given, false if there is no Stream
local events = KEYS[1]
if redis.call('EXISTS', events) == 0 then
  return false
end
local info = redis.call('XINFO', 'STREAM', events)
for at = 1, #info, 2 do
  if info[at] == 'last-generated-id' then
    return info[at + 1]
  end
end
return false
