-- Remembers a code that was sent; one that is remembered already keeps its tries. KEYS: the attempt.
-- ARGV: encrypted, contact, milliseconds to its end, milliseconds it is remembered.
if redis.call('EXISTS', KEYS[1]) == 0 then
  local t = redis.call('TIME')
  local ends = t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[3]
  redis.call('HSET', KEYS[1], 'encrypted', ARGV[1], 'contact', ARGV[2], 'tries', 0, 'ends', string.format('%.0f', ends))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
