-- Takes weights from the quotas of keys, as gcra.rs does, by the clock of the server. Times are in microseconds.
-- For each key: interval, tolerance, weight, and whether all such keys must pass for any of them to be taken from.
-- Answers for each key: whether it passes, how far its arrival time lies ahead, after it was taken from if it was.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local arrivals, answers, all_pass = {}, {}, true
for i, key in ipairs(KEYS) do
  local interval, tolerance, weight = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2]), tonumber(ARGV[4 * i - 1])
  local arrival = tonumber(redis.call('GET', key) or '0') or 0
  local is_of_another_clock = arrival > now + tolerance + 1
  arrival = math.min(math.max(arrival, now), now + tolerance)
  local after = arrival + interval * weight
  local passes = after <= now + tolerance + 0.5
  if not passes and ARGV[4 * i] == '1' then
    all_pass = false
  end
  arrivals[i] = passes and after or is_of_another_clock and arrival
  answers[i] = { passes and 1 or 0, math.floor(arrival - now) }
end
for i, key in ipairs(KEYS) do
  local is_taken = answers[i][1] == 1 and (all_pass or ARGV[4 * i] ~= '1')
  if is_taken or (arrivals[i] and answers[i][1] == 0) then
    redis.call('SET', key, string.format('%.3f', arrivals[i]), 'PX', math.ceil((arrivals[i] - now) / 1000) + 1)
    answers[i][2] = math.floor(arrivals[i] - now)
  end
end
return answers
