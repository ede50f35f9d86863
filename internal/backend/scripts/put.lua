-- Keeps a value for a time, or forgets it. KEYS: its name. ARGV: the value, milliseconds (0 to forget).
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1
