-- Takes or keeps a turn. KEYS: the turn. ARGV: who, for how many milliseconds, 1 if it may be new.
-- Returns 1 if the turn is theirs.
local holder = redis.call('GET', KEYS[1])
if holder ~= ARGV[1] and (holder or ARGV[3] == '0') then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
