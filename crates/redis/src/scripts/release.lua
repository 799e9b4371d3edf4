-- Gives the lease up, if this node holds it, and says so: the others need not wait for it to run out.
--
-- KEYS: events, meta, keys, ages, lease
-- ARGV: token, the channel on which to say so
local held = redis.call('GET', KEYS[5])
if held and held:sub(1, #ARGV[1] + 1) == ARGV[1] .. ' ' then
  redis.call('DEL', KEYS[5])
  redis.call('PUBLISH', ARGV[2], '')
end
return 0
