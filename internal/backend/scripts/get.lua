-- Returns what is kept. KEYS: its name.
return redis.call('GET', KEYS[1])
