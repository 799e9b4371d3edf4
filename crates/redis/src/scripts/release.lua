-- Gives the lease up, if this node holds it.
--
-- KEYS: events, meta, keys, ages, lease
-- ARGV: token
if redis.call('GET', KEYS[5]) == ARGV[1] then
  redis.call('DEL', KEYS[5])
end
return 0
