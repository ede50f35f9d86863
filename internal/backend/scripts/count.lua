-- Counts one event under every key, or none when one of them is full.
-- KEYS: a list of times in microseconds for each quota. ARGV: 1 to count or 0 to ask; then most and span for each.
-- Returns the number of the fullest quota (0 for none) and its wait in microseconds.
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local full, wait = 0, 0
for i, key in ipairs(KEYS) do
  local most, span = tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])
  local first = redis.call('LINDEX', key, 0)
  while first and now - first >= span do
    redis.call('LPOP', key)
    first = redis.call('LINDEX', key, 0)
  end
  local last = redis.call('LINDEX', key, -most)
  if last and span - (now - last) > wait then
    full, wait = i, span - (now - last)
  end
end
if full == 0 and ARGV[1] == '1' then
  for i, key in ipairs(KEYS) do
    redis.call('RPUSH', key, string.format('%.0f', now))
    redis.call('PEXPIRE', key, math.ceil(ARGV[2 * i + 1] / 1000))
  end
end
return {full, string.format('%.0f', wait)}
