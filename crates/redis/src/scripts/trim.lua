-- Keeps the Stream within its bytes, about: a tenth of its entries at a time; to the entry, because a hundred small ones that
-- stand together would all stay otherwise.
--
-- KEYS: events, meta, keys, ages, lease
-- ARGV: most bytes
local events, meta, bytes_max = KEYS[1], KEYS[2], tonumber(ARGV[1])
local all = tonumber(redis.call('HGET', meta, 'bytes'))

-- By what all of this epoch had together, up to the first entry and up to the newest.
local function held()
  local entry = redis.call('XRANGE', events, '-', '+', 'COUNT', 1)[1]
  for at = 1, entry and #entry[2] or 0, 2 do
    if entry[2][at] == 'at' then
      return all - tonumber(entry[2][at + 1]:match('^[^:]*:%d+:(%d+):') or all)
    end
  end
  return 0
end

for _ = 1, 10 do
  if not all or held() <= bytes_max then
    return 0
  end
  redis.call('XTRIM', events, 'MAXLEN', '=', math.floor(redis.call('XLEN', events) * 0.9))
end
return 0
