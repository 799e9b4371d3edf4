-- Takes or keeps the lease for this node. Who takes it says so in Pub/Sub, where every node sees it in one order with what
-- it is about: what was published before belongs to the holder before.
--
-- KEYS: events, meta, keys, ages, lease
-- ARGV: token, the patterns that it is for, how long it is held (ms), the channel on which to say so, '1' if it is to be said
--   once more that this node has it
-- Returns '' if this node holds it, else the patterns of the one that does
local lease, token, patterns, say_again = KEYS[5], ARGV[1], ARGV[2], ARGV[5] == '1'
local value = token .. ' ' .. patterns
local held = redis.call('GET', lease)
if held and held ~= value then
  return held:match('^%S* (.*)$') or held
end
redis.call('SET', lease, value, 'PX', ARGV[3])
if not held or say_again then
  redis.call('PUBLISH', ARGV[4], token)
end
return ''
