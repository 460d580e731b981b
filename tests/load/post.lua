-- What the client sends: the body in $LOAD_BODY, again and again, with a number of its own in the header x-new and for each "__NEW__" in the body. At the end
-- one line of JSON says how it went.
local file = assert(io.open(os.getenv("LOAD_BODY"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Accept"] = "application/json"
file:close()

local before, after = wrk.body:match("^(.-)__NEW__(.*)$")
local number = os.time() % 100000 * 1000000
request = function()
  number = number + 1
  wrk.headers["x-new"] = number
  return wrk.format(nil, nil, nil, before and before .. number .. after)
end

done = function(summary, latency)
  local e = summary.errors
  print(string.format('{"requests":%d,"microseconds":%d,"p50":%d,"p99":%d,"failed":%d}', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
