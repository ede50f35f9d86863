-- Gives a try back. KEYS: the attempt.
if tonumber(redis.call('HGET', KEYS[1], 'tries') or 0) > 0 then
  redis.call('HINCRBY', KEYS[1], 'tries', -1)
end
return 1
