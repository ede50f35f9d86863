-- Ends a turn, if it is still theirs. KEYS: the turn. ARGV: who.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return 1
