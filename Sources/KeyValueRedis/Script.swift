/// What has no command of its own. A server runs a script as one.
enum Script {
    /// Runs a command for each key: ARGV[1] is its name.
    static let each = """
        local replies = {}
        for i, key in ipairs(KEYS) do replies[i] = redis.call(ARGV[1], key) end
        return replies
        """

    /// ARGV has a value and an expiry, or nothing, for each key.
    static let set = """
        for i, key in ipairs(KEYS) do
          local value, expiry = ARGV[2 * i - 1], ARGV[2 * i]
          if expiry == '' then redis.call('SET', key, value) else redis.call('SET', key, value, 'PXAT', expiry) end
        end
        return redis.status_reply('OK')
        """

    /// The same, for keys that are absent.
    static let add = """
        local added = {}
        for i, key in ipairs(KEYS) do
          local value, expiry = ARGV[2 * i - 1], ARGV[2 * i]
          local reply
          if expiry == '' then
            reply = redis.call('SET', key, value, 'NX')
          else
            reply = redis.call('SET', key, value, 'NX', 'PXAT', expiry)
          end
          added[i] = reply and 1 or 0
        end
        return added
        """

    /// ARGV has an amount and an expiry, or nothing, for each key. After an error all keys are as they were. Numbers are read
    /// as texts: Lua's have 53 bits.
    static let increment = """
        local before, numbers = {}, {}
        for i, key in ipairs(KEYS) do
          before[i] = redis.pcall('GET', key)
          local reply = redis.pcall('INCRBY', key, ARGV[2 * i - 1])
          if type(reply) == 'table' and reply.err then
            for j = i - 1, 1, -1 do
              if before[j] then
                redis.call('SET', KEYS[j], before[j], 'KEEPTTL')
              else
                redis.call('DEL', KEYS[j])
              end
            end
            return reply
          end
          numbers[i] = redis.call('GET', key)
          if not before[i] and ARGV[2 * i] ~= '' then redis.call('PEXPIREAT', key, ARGV[2 * i]) end
        end
        return numbers
        """

    /// ARGV has an expiry for each key.
    static let expire = """
        for i, key in ipairs(KEYS) do redis.call('PEXPIREAT', key, ARGV[i]) end
        return redis.status_reply('OK')
        """
}
