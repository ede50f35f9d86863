-- Notes a number that must be more than the one before, unless both are 0. KEYS: its name. ARGV: the number, milliseconds.
-- Returns 1, or 0 when it is not.
local before, now = tonumber(redis.call('GET', KEYS[1]) or '0'), tonumber(ARGV[1])
if now > before or now == 0 and before == 0 then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
end
return 0
