-- Takes or keeps the lease for this node. Who takes it says so in Pub/Sub, where every node sees it in one order with what
-- it is about: what was published before belongs to the holder before.
--
-- KEYS: events, meta, keys, ages, lease
-- ARGV: token, how long it is held (ms), the channel on which to say so
-- Returns 1 if this node holds it
local lease, token = KEYS[5], ARGV[1]
local holder = redis.call('GET', lease)
if holder == token then
  redis.call('PEXPIRE', lease, ARGV[2])
  return 1
end
if holder then
  return 0
end
redis.call('SET', lease, token, 'PX', ARGV[2])
redis.call('PUBLISH', ARGV[3], token)
return 1
