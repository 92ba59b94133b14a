-- Wireshark and tshark: shows Nanowire's frames (spec/protocol.md, spec/streams.md) and the MessagePack in them (spec/msgpack.md).
-- How to use it stands in README.md beside this file. It needs no library.
-- Invariants: what it shows is bounded; bytes of any content lead to a marked frame, never to a Lua error.

local nanowire = Proto("nanowire", "Nanowire RPC")

local HEADER_BYTES = 9
local HASH_BYTES = 16
local MAX_DEPTH = 64
-- Of one body; a tree of more values helps nobody.
local MAX_VALUES = 2000
local MAX_TEXT = 200
-- Of one DATA.
local MAX_ITEMS = 100
-- A message in fragments is put together up to this size.
local MAX_MESSAGE_BYTES = 4 * 1024 * 1024

-- What stands for credentials, and what says that a value is secret as a whole: no key, for it is no text.
local HIDDEN = "(hidden)"
local WHOLE = true

-- By arithmetic, because Lua 5.2 has no bit operators and later ones no bit library.
local MORE, FINAL, METADATA, ONE_WAY, HASH, JUDGED, IGNORE = 0x01, 0x01, 0x02, 0x04, 0x08, 0x10, 0x80
local GAP, WAIT, INPUT, OUTPUT = 0x02, 0x04, 0x20, 0x40
local function has(bits, flag)
  return math.floor(bits / flag) % 2 == 1
end

local HELLO, AUTH, REQUEST, RESPONSE, DATA, END, ERROR, CANCEL, CREDIT, PING, PONG, GOAWAY, PRIORITY =
  1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13

-- P1: the id is a call's, zero or either; the body's bytes, without the receiver's limits; the flags.
local ANY = 0xffffff
local kinds = {
  [HELLO] = { name = "HELLO", id = "zero", min = 6, max = 65536, flags = {} },
  [AUTH] = { name = "AUTH", id = "zero", min = 1, max = 8192, flags = {} },
  [REQUEST] = { name = "REQUEST", id = "call", min = 0, max = ANY, flags = { MORE, METADATA, ONE_WAY, HASH, JUDGED, INPUT, OUTPUT } },
  [RESPONSE] = { name = "RESPONSE", id = "call", min = 0, max = ANY, flags = { MORE, METADATA } },
  [DATA] = { name = "DATA", id = "call", min = 0, max = ANY, flags = { MORE, GAP, WAIT } },
  [END] = { name = "END", id = "call", min = 0, max = ANY, flags = { METADATA } },
  [ERROR] = { name = "ERROR", id = "either", min = 1, max = 65536, flags = {} },
  [CANCEL] = { name = "CANCEL", id = "call", min = 0, max = 0, flags = {} },
  [CREDIT] = { name = "CREDIT", id = "either", min = 4, max = 4, flags = {} },
  [PING] = { name = "PING", id = "zero", min = 8, max = 8, flags = {} },
  [PONG] = { name = "PONG", id = "zero", min = 8, max = 8, flags = {} },
  [GOAWAY] = { name = "GOAWAY", id = "zero", min = 4, max = 1028, flags = { FINAL } },
  [PRIORITY] = { name = "PRIORITY", id = "call", min = 1, max = 1, flags = {} },
}
local kind_names = {}
for number, kind in pairs(kinds) do kind_names[number] = kind.name end

local f = {
  length = ProtoField.uint24("nanowire.length", "Length", base.DEC),
  kind = ProtoField.uint8("nanowire.kind", "Kind", base.DEC, kind_names),
  flags = ProtoField.uint8("nanowire.flags", "Flags", base.HEX),
  more = ProtoField.bool("nanowire.flags.more", "MORE", 8, nil, MORE, "Further fragments follow"),
  final = ProtoField.bool("nanowire.flags.final", "FINAL", 8, nil, FINAL, "The last id is settled"),
  metadata_flag = ProtoField.bool("nanowire.flags.metadata", "METADATA", 8, nil, METADATA),
  one_way = ProtoField.bool("nanowire.flags.one_way", "ONE_WAY", 8, nil, ONE_WAY, "Nobody waits for an answer"),
  hash_flag = ProtoField.bool("nanowire.flags.hash", "HASH", 8, nil, HASH),
  judged = ProtoField.bool("nanowire.flags.judged", "JUDGED", 8, nil, JUDGED, "The contracts are known to differ"),
  gap_flag = ProtoField.bool("nanowire.flags.gap", "GAP", 8, nil, GAP, "Items were left out"),
  wait = ProtoField.bool("nanowire.flags.wait", "WAIT", 8, nil, WAIT, "The sender would send more"),
  input = ProtoField.bool("nanowire.flags.input", "INPUT", 8, nil, INPUT, "The request's items follow"),
  output = ProtoField.bool("nanowire.flags.output", "OUTPUT", 8, nil, OUTPUT, "The answer is to be a stream"),
  ignore = ProtoField.bool("nanowire.flags.ignore", "IGNORE", 8, nil, IGNORE, "May be skipped"),
  id = ProtoField.uint32("nanowire.id", "Id", base.DEC),
  tag = ProtoField.uint32("nanowire.tag", "Tag", base.HEX),
  method = ProtoField.string("nanowire.method", "Method"),
  timeout = ProtoField.uint32("nanowire.timeout", "Milliseconds left", base.DEC),
  hash = ProtoField.bytes("nanowire.hash", "Hash of the contract"),
  metadata_length = ProtoField.uint16("nanowire.metadata.length", "Length of the metadata", base.DEC),
  metadata = ProtoField.string("nanowire.metadata", "Metadata"),
  body = ProtoField.string("nanowire.body", "Body"),
  gap = ProtoField.uint32("nanowire.gap", "Items left out", base.DEC),
  item = ProtoField.string("nanowire.item", "Item"),
  fragment = ProtoField.bytes("nanowire.fragment", "Fragment"),
  magic = ProtoField.string("nanowire.magic", "Magic"),
  version = ProtoField.uint8("nanowire.version", "Version", base.DEC),
  credentials = ProtoField.string("nanowire.credentials", "Credentials"),
  code = ProtoField.string("nanowire.error.code", "Code"),
  rule = ProtoField.string("nanowire.error.rule", "Rule"),
  increment = ProtoField.uint32("nanowire.increment", "Increment", base.DEC),
  priority = ProtoField.uint8("nanowire.priority", "Priority", base.DEC, { [0] = "low", [1] = "normal", [2] = "high" }),
  payload = ProtoField.bytes("nanowire.payload", "Payload"),
  last_id = ProtoField.uint32("nanowire.last_id", "Last id", base.DEC),
  reason = ProtoField.string("nanowire.reason", "Reason"),
  unknown = ProtoField.bytes("nanowire.unknown", "Bytes"),
  request_in = ProtoField.framenum("nanowire.request_in", "Request in", base.NONE, frametype.REQUEST),
}
nanowire.fields = f

local flag_fields = {
  [HELLO] = {}, [AUTH] = {}, [DATA] = { "more", "gap_flag", "wait" }, [END] = { "metadata_flag" },
  [REQUEST] = { "more", "metadata_flag", "one_way", "hash_flag", "judged", "input", "output" },
  [RESPONSE] = { "more", "metadata_flag" }, [GOAWAY] = { "final" },
}
local flag_names = {
  more = { MORE, "MORE" }, final = { FINAL, "FINAL" }, metadata_flag = { METADATA, "METADATA" },
  one_way = { ONE_WAY, "ONE_WAY" }, hash_flag = { HASH, "HASH" }, judged = { JUDGED, "JUDGED" },
  gap_flag = { GAP, "GAP" }, wait = { WAIT, "WAIT" }, input = { INPUT, "INPUT" }, output = { OUTPUT, "OUTPUT" },
}

local problem = ProtoExpert.new("nanowire.problem", "A rule is broken", expert.group.MALFORMED, expert.severity.ERROR)
nanowire.experts = { problem }

local tcp_stream = Field.new("tcp.stream")

nanowire.prefs.ports = Pref.range("TCP ports", "7000", "Where servers listen; other connections show by their HELLO", 65535)
nanowire.prefs.credentials =
  Pref.bool("Show credentials", false, "Otherwise those in HELLO and AUTH are not written out; the bytes are in the capture all the same")
nanowire.prefs.methods =
  Pref.string("Methods", "", "Names to show for tags: greeter/hello, users/get=7 (name=tag where the tag was set by hand)")

-- Methods: a tag is the 32-bit FNV-1a hash of the name (spec/contract.md, C5).

local method_names = {}

local function xor8(a, b)
  local result, bit = 0, 1
  for _ = 1, 8 do
    if a % 2 ~= b % 2 then result = result + bit end
    a, b, bit = math.floor(a / 2), math.floor(b / 2), bit * 2
  end
  return result
end

local function tag_of(name)
  local hash = 0x811c9dc5
  for index = 1, #name do
    local low = hash % 256
    hash = hash - low + xor8(low, name:byte(index))
    hash = (hash * 0x193 + (hash % 256) * 0x1000000) % 0x100000000 -- times 0x01000193
  end
  return hash
end

local function read_method_names(text)
  method_names = { [tag_of("nanowire/describe")] = "nanowire/describe" }
  for name, tag in text:gmatch("([%w_.-]+/[%w_]+)=?(%w*)") do method_names[tonumber(tag) or tag_of(name)] = name end
end

local function method_of(tag)
  return method_names[tag] or string.format("0x%08x", tag)
end

-- Strict MessagePack. A breach is thrown as { rule, position }; positions count from 0.

local function broken(rule, position)
  error({ rule = rule, position = position }, 0)
end

local function printable(text)
  if #text > MAX_TEXT then text = text:sub(1, MAX_TEXT) .. "..." end
  return (text:gsub("[%c\127]", function(c) return string.format("\\u%04x", c:byte()) end))
end

-- M8: where the first sequence that is no UTF-8 begins in a text, or nil. The ranges are those of RFC 3629.
local function ill_formed_at(text)
  local at = 1
  while at <= #text do
    local a, b = text:byte(at, at + 1)
    local low, high, more = 0x80, 0xbf, 0
    if a >= 0xc2 and a <= 0xdf then more = 1
    elseif a >= 0xe0 and a <= 0xef then more, low, high = 2, a == 0xe0 and 0xa0 or 0x80, a == 0xed and 0x9f or 0xbf
    elseif a >= 0xf0 and a <= 0xf4 then more, low, high = 3, a == 0xf0 and 0x90 or 0x80, a == 0xf4 and 0x8f or 0xbf
    elseif a > 0x7f then return at - 1 end
    if more > 0 and (b == nil or b < low or b > high) then return at - 1 end
    for next = 2, more do
      local c = text:byte(at + next)
      if c == nil or c < 0x80 or c > 0xbf then return at - 1 end
    end
    at = at + more + 1
  end
end

-- The header of a value by its first byte: its type, the bytes of its header, and its length or count, where it has one.
local sized = {
  [0xc4] = { "bin", 1 }, [0xc5] = { "bin", 2 }, [0xc6] = { "bin", 4 },
  [0xc7] = { "ext", 1 }, [0xc8] = { "ext", 2 }, [0xc9] = { "ext", 4 },
  [0xd9] = { "str", 1 }, [0xda] = { "str", 2 }, [0xdb] = { "str", 4 },
  [0xdc] = { "array", 2 }, [0xdd] = { "array", 4 }, [0xde] = { "map", 2 }, [0xdf] = { "map", 4 },
}
local fixed = {
  [0xca] = { "float", 4 }, [0xcb] = { "float", 8 },
  [0xcc] = { "uint", 1 }, [0xcd] = { "uint", 2 }, [0xce] = { "uint", 4 }, [0xcf] = { "uint", 8 },
  [0xd0] = { "int", 1 }, [0xd1] = { "int", 2 }, [0xd2] = { "int", 4 }, [0xd3] = { "int", 8 },
}

-- One MessagePack value in a tvb; `finish` is where it must end, `secret` the key of the outermost map that is not shown.
local Reader = {}
Reader.__index = Reader

function Reader:need(position, bytes, from)
  if position + bytes > self.finish then broken("truncated", from) end
end

function Reader:header(position)
  self:need(position, 1, position)
  local byte = self.tvb(position, 1):uint()
  if byte <= 0x7f then return "fixint", 1, byte end
  if byte <= 0x8f then return "map", 1, byte - 0x80 end
  if byte <= 0x9f then return "array", 1, byte - 0x90 end
  if byte <= 0xbf then return "str", 1, byte - 0xa0 end
  if byte >= 0xe0 then return "fixint", 1, byte - 0x100 end
  if byte == 0xc0 then return "nil", 1, 0 end
  if byte == 0xc1 then broken("reserved_byte", position) end
  if byte <= 0xc3 then return "bool", 1, byte - 0xc2 end
  if byte >= 0xd4 and byte <= 0xd8 then return "ext", 1, ({ 1, 2, 4, 8, 16 })[byte - 0xd3] end
  if fixed[byte] then return fixed[byte][1], 1, fixed[byte][2] end
  local type, width = sized[byte][1], sized[byte][2]
  self:need(position, 1 + width, position)
  return type, 1 + width, self.tvb(position + 1, width):uint()
end

function Reader:number(type, position, width, from)
  self:need(position, width, from)
  local range = self.tvb(position, width)
  if type == "float" then return string.format("%.17g", range:float()) end
  if width == 8 then return tostring(type == "uint" and range:uint64() or range:int64()) end
  return string.format("%d", type == "uint" and range:uint() or range:int())
end

function Reader:text(position, length, from)
  if position + length > self.finish then broken("count_too_large", from) end
  local text = length == 0 and "" or self.tvb:raw(position, length)
  local bad = ill_formed_at(text)
  if bad then broken("bad_utf8", position + bad) end
  return text
end

-- M12 to M15.
function Reader:timestamp(position, length, from)
  self:need(position, 1, from)
  if self.tvb(position, 1):int() ~= -1 then broken("extension_refused", from) end
  if length ~= 4 and length ~= 8 and length ~= 12 then broken("bad_timestamp", from) end
  self:need(position + 1, length, from)
  local at = position + 1
  local tvb = self.tvb
  if length == 4 then return "timestamp " .. tvb(at, 4):uint() .. " s" end
  local upper, lower = tvb(at, 4):uint(), tvb(at + 4, 4):uint()
  if length == 8 then
    local nanoseconds = math.floor(upper / 4)
    if nanoseconds > 999999999 then broken("bad_timestamp", from) end
    return string.format("timestamp %.0f s %d ns", (upper % 4) * 0x100000000 + lower, nanoseconds)
  end
  if upper > 999999999 then broken("bad_timestamp", from) end
  local seconds = tvb(at + 4, 8):int64()
  local milliseconds = seconds:tonumber() * 1000 + math.floor(upper / 1000000)
  if milliseconds < -8.64e15 or milliseconds > 8.64e15 then broken("bad_timestamp", from) end
  return string.format("timestamp %s s %d ns", tostring(seconds), upper)
end

-- Reads a value, and adds it to the tree if there is one. Returns where it ends, and what it says in one line.
function Reader:value(position, tree, label, depth)
  self.values = self.values + 1
  if self.values > MAX_VALUES then broken("not shown", position) end
  local type, header, size = self:header(position)
  local at = position + header
  if type == "map" or type == "array" then return self:container(type, position, at, size, tree, label, depth) end
  local text, after = nil, at
  if type == "nil" then text = "null"
  elseif type == "bool" then text = size == 1 and "true" or "false"
  elseif type == "fixint" then text = string.format("%d", size)
  elseif type == "str" then
    text = '"' .. printable(self:text(at, size, position)) .. '"'
    after = at + size
  elseif type == "bin" then
    if at + size > self.finish then broken("count_too_large", position) end
    text = size == 0 and "h''" or "h'" .. self.tvb(at, math.min(size, 16)):bytes():tohex(true) .. (size > 16 and "..." or "") .. "'"
    after = at + size
  elseif type == "ext" then
    text = self:timestamp(at, size, position)
    after = at + 1 + size
  else
    text = self:number(type, at, size, position)
    after = at + size
  end
  if tree and depth > 1 then tree:add(self.tvb(position, after - position), label .. text) end
  return after, text
end

function Reader:container(type, position, at, count, tree, label, depth)
  local is_map = type == "map"
  if count * (is_map and 2 or 1) > self.finish - at then broken("count_too_large", position) end
  if depth > MAX_DEPTH then broken("too_deep", position) end
  local item = tree
  if tree and depth > 1 then
    item = tree:add(self.tvb(position, at - position), label .. (is_map and "map" or "array") .. " of " .. count)
  end
  local texts, keys = {}, {}
  for index = 1, count do
    local name, text = "[" .. index - 1 .. "]: ", nil
    local key = ""
    if is_map then
      local from = at
      key, at = self:key(at, keys)
      name = printable(key) .. ": "
      local is_secret = depth == 1 and key == self.secret
      local value_at = at
      at, text = self:value(at, not is_secret and item or nil, name, depth + 1)
      if is_secret then
        text = HIDDEN
        if item then item:add(self.tvb(value_at, at - value_at), name .. HIDDEN) end
      end
      if depth == 1 then self.entries[key] = { text = text, from = from, to = at } end
    else
      at, text = self:value(at, item, name, depth + 1)
    end
    if #texts < 16 then texts[#texts + 1] = is_map and name .. text or text end
  end
  if item then item:set_len(at - position) end
  if count > 16 then texts[#texts + 1] = "..." end
  local line = table.concat(texts, ", ")
  if #line > 4 * MAX_TEXT then line = line:sub(1, 4 * MAX_TEXT) .. "..." end
  return at, is_map and "{" .. line .. "}" or "[" .. line .. "]"
end

function Reader:key(position, keys)
  self:need(position, 1, position)
  local type, header, size = self:header(position)
  if type ~= "str" then broken("key_not_string", position) end
  local key = self:text(position + header, size, position)
  if key == "__proto__" then broken("key_forbidden", position) end
  if keys[key] then broken("duplicate_key", position) end
  keys[key] = true
  return key, position + header + size
end

-- Adds the one value from `start` to `finish` under `field`: first what it says in one line, then its tree; of a value
-- that is secret as a whole only that it is there. Returns what the entries of the outermost map say, and where the value
-- ends, if it can be read. Of several values, where `is_first`, it is the first.
local function add_msgpack(tree, field, tvb, start, finish, secret, is_first)
  if finish <= start then
    tree:add_proto_expert_info(problem, "truncated: there is no value")
    return {}
  end
  local function read(into)
    local reader = setmetatable({ tvb = tvb, finish = finish, values = 0, entries = {}, secret = secret }, Reader)
    local ok, after, text = pcall(reader.value, reader, start, into, "", 1)
    if ok and after < finish and not is_first then ok, after = false, { rule = "trailing_bytes", position = after } end
    if not ok and type(after) ~= "table" then error(after, 0) end
    return reader.entries, ok and text or "", not ok and after, ok and after or nil
  end
  local entries, text, breach, after = read(nil)
  local range = tvb(start, (after or finish) - start)
  local is_whole = secret == WHOLE
  local item = tree:add(field, range, is_whole and text ~= "" and HIDDEN or text)
  if not is_whole then read(item) end
  if breach and breach.rule == "not shown" then
    item:append_text("(the first " .. MAX_VALUES .. " values)")
  elseif breach then
    item:add_proto_expert_info(problem, breach.rule .. ": no strict MessagePack, at byte " .. breach.position - start)
  end
  return entries, after
end

-- What is known of each TCP stream: the methods of its requests, and messages whose last fragment has not come.
local streams = {}

function nanowire.init()
  streams = {}
end

local function stream_of()
  local info = tcp_stream()
  local number = info and info.value or -1
  streams[number] = streams[number] or { requests = {}, open = {}, known = {} }
  return streams[number]
end

-- F1: a notify has no streams, and a request whose items follow does not go on itself.
local function exclude_each_other(number, bits)
  if number ~= REQUEST then return false end
  local input = has(bits, INPUT)
  return ((input or has(bits, OUTPUT)) and has(bits, ONE_WAY)) or (input and has(bits, MORE))
end

-- What a frame breaks by its header alone (P3 to P6), or nil.
local function judge(length, number, bits, id)
  local kind = kinds[number]
  if not kind then
    if has(bits, IGNORE) then return nil end
    return "frame_kind: the kind " .. number .. " is not known and not marked as ignorable"
  end
  if length < kind.min or length > kind.max then return "frame_size: a " .. kind.name .. " of " .. length .. " bytes" end
  local known = IGNORE
  for _, flag in ipairs(kind.flags) do known = known + flag end
  for bit = 0, 7 do
    if has(bits, 2 ^ bit) and not has(known, 2 ^ bit) then return string.format("frame_flags: a %s with flags 0x%02x", kind.name, bits) end
  end
  if exclude_each_other(number, bits) then return string.format("frame_flags: a %s with flags 0x%02x", kind.name, bits) end
  if kind.id ~= "either" and (id == 0) ~= (kind.id == "zero") then return "frame_id: a " .. kind.name .. " with id " .. id end
end

local function judge_at(tvb, offset)
  return judge(tvb(offset, 3):uint(), tvb(offset + 3, 1):uint(), tvb(offset + 4, 1):uint(), tvb(offset + 5, 4):uint())
end

-- Where a header breaks a rule nobody can say where the next frame begins: the rest is one.
local function frame_length(tvb, _, offset)
  if judge_at(tvb, offset) then return tvb:len() - offset end
  return HEADER_BYTES + tvb(offset, 3):uint()
end

-- What the order of frames says of this one. It is worked out when the frame is first seen, and kept for later looks.
local function context_of(tvb, pinfo, number, bits, id)
  local stream = stream_of()
  local key = table.concat({ pinfo.number, tvb:offset(), tvb:len(), number, id }, "/")
  local known = stream.known[key]
  if known then return known end
  known = {}
  stream.known[key] = known
  local open_key = pinfo.src_port .. "/" .. number .. "/" .. id
  local open = stream.open[open_key]
  local has_more = number >= REQUEST and number <= DATA and has(bits, MORE)
  known.is_further = open ~= nil
  if number == REQUEST and not open and tvb:len() >= HEADER_BYTES + 4 then
    stream.requests[id] = { tag = tvb(HEADER_BYTES, 4):uint(), frame = pinfo.number }
  end
  if id ~= 0 then known.request = stream.requests[id] end
  known.open = open or (has_more and { parts = {}, bytes = 0 }) or nil
  known.has_more = has_more
  known.message = known.open
  stream.open[open_key] = has_more and known.open or nil
  known.is_new = true
  return known
end

-- F3: the items of a DATA, one directly behind the other. Returns how many there are, as a word.
local function add_items(tree, tvb, at)
  local count = 0
  while at and at < tvb:len() do
    if count == MAX_ITEMS then
      tree:append_text(" (the first " .. MAX_ITEMS .. " items)")
      return count .. "+ items"
    end
    count = count + 1
    local _, after = add_msgpack(tree, f.item, tvb, at, tvb:len(), nil, true)
    at = after
  end
  return count == 1 and "1 item" or count .. " items"
end

-- A fragment, and at the last one the message. Returns what `add_items` does.
local function add_fragment(tree, tvb, at, context, number)
  local finish = tvb:len()
  if finish > at then tree:add(f.fragment, tvb(at, finish - at)) end
  local message = context.message
  if context.is_new then
    message.bytes = message.bytes + finish - at
    if message.bytes > MAX_MESSAGE_BYTES then message.parts = {}
    elseif finish > at then message.parts[#message.parts + 1] = tvb:raw(at, finish - at) end
  end
  if context.has_more or message.bytes > MAX_MESSAGE_BYTES then return end
  local whole = table.concat(message.parts)
  if #whole > 0 then
    local joined = ByteArray.new(whole, true):tvb("Nanowire message")
    if number == DATA then return add_items(tree, joined, 0) end
    add_msgpack(tree, f.body, joined, 0, #whole)
  elseif number ~= DATA then
    tree:add_proto_expert_info(problem, "truncated: there is no value")
  end
end

-- P17, P19, P20, F20: what stands before the MessagePack of a message, whole or its first fragment. Returns where that begins.
local function add_head(tree, tvb, number, bits)
  local at, finish = HEADER_BYTES, tvb:len()
  local function cut(what)
    tree:add_proto_expert_info(problem, "body: a frame that ends within " .. what)
  end
  if number == REQUEST then
    if at + 8 > finish then return cut("tag and time") end
    tree:add(f.tag, tvb(at, 4))
    tree:add(f.timeout, tvb(at + 4, 4))
    at = at + 8
    if has(bits, HASH) then
      if at + HASH_BYTES > finish then return cut("the hash") end
      tree:add(f.hash, tvb(at, HASH_BYTES))
      at = at + HASH_BYTES
    end
  end
  if number == DATA and has(bits, GAP) then
    if at + 4 > finish then return cut("the number of its gap") end
    tree:add(f.gap, tvb(at, 4))
    return at + 4
  end
  if number == DATA or not has(bits, METADATA) then return at end
  if at + 2 > finish then return cut("the length of the metadata") end
  local length = tvb(at, 2):uint()
  tree:add(f.metadata_length, tvb(at, 2))
  if at + 2 + length > finish then return cut("the metadata") end
  add_msgpack(tree, f.metadata, tvb, at + 2, at + 2 + length)
  return at + 2 + length
end

-- What stands where nothing may: F1, F4.
local function add_needless(tree, tvb, at, what)
  if at == tvb:len() then return end
  tree:add(f.unknown, tvb(at, tvb:len() - at))
  tree:add_proto_expert_info(problem, "body: " .. what)
end

-- A REQUEST, RESPONSE, DATA or END. Returns what is worth a word in the list of packets.
local function add_message(tree, tvb, number, bits, context)
  if context.is_further then
    local others = bits
    for _, flag in ipairs(number == DATA and { MORE, WAIT } or { MORE }) do
      if has(bits, flag) then others = others - flag end
    end
    if others ~= 0 then tree:add_proto_expert_info(problem, "fragment: a further fragment with flags") end
    return add_fragment(tree, tvb, HEADER_BYTES, context, number)
  end
  local at = add_head(tree, tvb, number, bits)
  if at == nil then return end
  if context.has_more then return add_fragment(tree, tvb, at, context, number) end
  if number == DATA then return add_items(tree, tvb, at) end
  if number == END then add_needless(tree, tvb, at, "an END with more than metadata")
  elseif number == REQUEST and has(bits, INPUT) then add_needless(tree, tvb, at, "a REQUEST with INPUT and a body")
  else add_msgpack(tree, f.body, tvb, at, tvb:len()) end
end

local function secret(what)
  return not nanowire.prefs.credentials and what or nil
end

local function add_hello(tree, tvb)
  tree:add(f.magic, tvb(HEADER_BYTES, 4))
  if tvb(HEADER_BYTES, 4):string() ~= "NWIR" then
    return tree:add_proto_expert_info(problem, "not_nanowire: a HELLO without its magic")
  end
  tree:add(f.version, tvb(HEADER_BYTES + 4, 1))
  -- P11: what follows is another version's own.
  if tvb(HEADER_BYTES + 4, 1):uint() == 1 then add_msgpack(tree, f.body, tvb, HEADER_BYTES + 5, tvb:len(), secret("credentials")) end
end

local function add_error(tree, tvb)
  local entries = add_msgpack(tree, f.body, tvb, HEADER_BYTES, tvb:len())
  for _, name in ipairs({ "code", "rule" }) do
    local entry = entries[name]
    local text = entry and entry.text:match('^"(.*)"$')
    if text then tree:add(f[name], tvb(entry.from, entry.to - entry.from), text) end
  end
  return entries.code and entries.code.text:match('^"(.*)"$')
end

-- Adds the body's fields. Returns what is worth a word in the list of packets.
local function add_body(tree, tvb, number, bits, context)
  local length = tvb:len() - HEADER_BYTES
  if number == ERROR then return add_error(tree, tvb) end
  if number == HELLO then
    add_hello(tree, tvb)
  elseif number == AUTH then
    add_msgpack(tree, f.credentials, tvb, HEADER_BYTES, tvb:len(), secret(WHOLE))
  elseif number == REQUEST or number == RESPONSE or number == DATA or number == END then
    return add_message(tree, tvb, number, bits, context)
  elseif number == CREDIT then
    tree:add(f.increment, tvb(HEADER_BYTES, 4))
    if tvb(HEADER_BYTES, 4):uint() == 0 then tree:add_proto_expert_info(problem, "credit: a CREDIT of 0 bytes") end
  elseif number == PRIORITY then
    tree:add(f.priority, tvb(HEADER_BYTES, 1))
    if tvb(HEADER_BYTES, 1):uint() > 2 then tree:add_proto_expert_info(problem, "body: a priority is 0, 1 or 2") end
  elseif number == PING or number == PONG then
    tree:add(f.payload, tvb(HEADER_BYTES, 8))
  elseif number == GOAWAY then
    tree:add(f.last_id, tvb(HEADER_BYTES, 4))
    if length > 4 then tree:add(f.reason, tvb(HEADER_BYTES + 4, length - 4), printable(tvb:raw(HEADER_BYTES + 4, length - 4))) end
  elseif length > 0 and number ~= CANCEL then
    tree:add(f.unknown, tvb(HEADER_BYTES, length))
  end
end

local function add_flags(tree, tvb, number, bits)
  local names = {}
  local item = tree:add(f.flags, tvb(4, 1))
  for _, field in ipairs(flag_fields[number] or {}) do
    item:add(f[field], tvb(4, 1))
    if has(bits, flag_names[field][1]) then names[#names + 1] = flag_names[field][2] end
  end
  item:add(f.ignore, tvb(4, 1))
  if has(bits, IGNORE) then names[#names + 1] = "IGNORE" end
  local text = #names > 0 and table.concat(names, " ") or "none"
  item:set_text("Flags: " .. text .. string.format(" (0x%02x)", bits))
  return #names > 0 and " [" .. text .. "]" or ""
end

-- What stands in the list of packets before the next frame of the same one.
local separator = ""

local function add_info(pinfo, text)
  pinfo.cols.info:append(separator .. text)
  separator = "; "
end

-- One frame, which lies whole in `tvb`.
local function dissect_frame(tvb, pinfo, root)
  local length, number, bits, id = tvb(0, 3):uint(), tvb(3, 1):uint(), tvb(4, 1):uint(), tvb(5, 4):uint()
  local breach = judge(length, number, bits, id)
  local tree = root:add(nanowire, tvb())
  if breach then
    tree:set_text("Nanowire, no frame")
    tree:add(f.unknown, tvb())
    tree:add_proto_expert_info(problem, breach)
    add_info(pinfo, "no frame")
    return tvb:len()
  end
  local name = kind_names[number] or "kind " .. number
  local context = context_of(tvb, pinfo, number, bits, id)
  local summary = name .. (id == 0 and "" or " #" .. id)
  tree:add(f.length, tvb(0, 3))
  tree:add(f.kind, tvb(3, 1))
  local flags = add_flags(tree, tvb, number, bits)
  tree:add(f.id, tvb(5, 4))
  if context.request then
    local method = method_of(context.request.tag)
    tree:add(f.method, method):set_generated()
    summary = summary .. " " .. method
    if number ~= REQUEST then tree:add(f.request_in, context.request.frame):set_generated() end
  end
  local word = add_body(tree, tvb, number, bits, context)
  context.is_new = false
  summary = summary .. flags .. (word and " " .. word or "")
  tree:set_text("Nanowire, " .. summary .. ", " .. length .. " bytes")
  add_info(pinfo, summary)
  return tvb:len()
end

function nanowire.dissector(tvb, pinfo, root)
  -- What is no frame at the very beginning is another protocol at the same port.
  if tvb:len() >= HEADER_BYTES and judge_at(tvb, 0) and next(stream_of().known) == nil then return 0 end
  pinfo.cols.protocol = "Nanowire"
  pinfo.cols.info:clear()
  separator = ""
  dissect_tcp_pdus(tvb, root, HEADER_BYTES, frame_length, dissect_frame)
  pinfo.cols.info:fence()
  return tvb:len()
end

-- P10: a HELLO tells itself by its magic, at any port.
nanowire:register_heuristic("tcp", function(tvb, pinfo, root)
  if tvb:len() < HEADER_BYTES + 4 or tvb(3, 1):uint() ~= HELLO or tvb(HEADER_BYTES, 4):string() ~= "NWIR" then return false end
  pinfo.conversation = nanowire
  nanowire.dissector(tvb, pinfo, root)
  return true
end)

local registered_ports = ""

local function obey_preferences()
  local before = registered_ports
  registered_ports = tostring(nanowire.prefs.ports)
  for _, name in ipairs({ "tcp.port", "tls.port" }) do
    local ports = DissectorTable.get(name)
    if before ~= "" then ports:remove(before, nanowire) end
    if registered_ports ~= "" then ports:add(registered_ports, nanowire) end
  end
  read_method_names(nanowire.prefs.methods)
end

nanowire.prefs_changed = obey_preferences
obey_preferences()
