-- Takes one try for a guess, unless it is over, of the other generation, or out of tries. KEYS: the attempt.
-- ARGV: encrypted, most tries. Returns nothing if it is not known; else encrypted, contact, tries with this one, over.
local a = redis.call('HMGET', KEYS[1], 'encrypted', 'contact', 'tries', 'ends')
if not a[1] then
  return {}
end
local t = redis.call('TIME')
local over = t[1] * 1000 + math.floor(t[2] / 1000) >= tonumber(a[4])
local tries = tonumber(a[3])
if a[1] == ARGV[1] and not over and tries < tonumber(ARGV[2]) then
  redis.call('HINCRBY', KEYS[1], 'tries', 1)
end
return {a[1], a[2], tries + 1, over and 1 or 0}
