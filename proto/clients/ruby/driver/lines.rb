# frozen_string_literal: true

# The words that a conformance driver and the runner say to each other: proto/conformance/README.md.
module Lines
  MILLISECONDS = { "jitter_ms" => :gap_jitter, "backoff_min_ms" => :backoff_min, "backoff_max_ms" => :backoff_max,
                   "backoff_hopeless_ms" => :backoff_hopeless, "handshake_ms" => :handshake, "drain_ms" => :drain,
                   "successor_ms" => :successor, "ping_owed_ms" => :ping_owed, "ping_idle_ms" => :ping_idle,
                   "ping_timeout_ms" => :ping_timeout, "partial_ms" => :partial_gap }.freeze
  NUMBERS = { "inflight" => :unanswered, "unsent" => :unsent_bytes, "events" => :events_bytes }.freeze

  STATES = Hubrelay.const_get(:Wire)::NUMBERS[:state]
  CAUSES = Hubrelay.const_get(:Wire)::NUMBERS[:cause]

  @mutex = Mutex.new

  module_function

  # One line, whole, whatever other threads say and raise.
  def say(*words)
    line = "#{words.join(' ')}\n"
    Thread.handle_interrupt(Object => :never) do
      @mutex.synchronize { line = line.byteslice($stdout.syswrite(line)..) until line.empty? }
    end
  end

  # The options of `open` for which the client has a setting.
  def options(words)
    words.map { |word| word.split("=", 2) }.each_with_object({}) do |(key, value), found|
      found[MILLISECONDS[key]] = Integer(value) / 1000.0 if MILLISECONDS.key?(key)
      found[NUMBERS[key]] = Integer(value) if NUMBERS.key?(key)
    end
  end

  # A NAME: its bytes.
  def name(word)
    word.b.gsub(/%(\h\h)/) { Regexp.last_match(1).hex.chr }.force_encoding(Encoding::UTF_8)
  end

  def quoted(text)
    text.b.gsub(/[^A-Za-z0-9\-._~]/n) { |byte| format("%%%02X", byte.ord) }
  end

  # B64.
  def payload(word)
    word == "-" ? "" : word.unpack1("m0")
  end

  # Channels and patterns.
  def names(words)
    channels, patterns = words.partition { |word| word.start_with?("c:") }
    [channels, patterns].map { |part| part.map { |word| name(word[2..]) } }
  end

  def failure(error)
    words = (error.channels + error.patterns).map { |text| "name=#{quoted(text)}" }
    words << "detail=#{quoted(error.message)}" unless error.message.empty?
    [error.is_a?(Hubrelay::UnknownError) ? "ERROR" : error.class.outcome.to_s.upcase, *words]
  end

  def event(event)
    case event
    when Hubrelay::Message then message(event)
    when Hubrelay::Status then status(event)
    when Hubrelay::Loss then loss(event)
    when Hubrelay::Revoked
      ["revoked", *event.channels.map { |text| "c:#{quoted(text)}" }, *event.patterns.map do |text|
                                                                        "p:#{quoted(text)}"
                                                                      end]
    when Hubrelay::Gap
      ["gap", "reasons=#{quoted(event.reasons.join(','))}", "partial=#{flag(event.partial)}"]
    end
  end

  def message(event)
    payload = event.payload.empty? ? "-" : [event.payload].pack("m0")
    ["message", quoted(event.channel), payload, *("pattern=#{quoted(event.pattern)}" if event.pattern)]
  end

  def status(event)
    ["status", "state=#{STATES.fetch(event.state, event.state)}", "publishing=#{flag(event.publishing)}",
     "receiving=#{flag(event.receiving)}", "connected=#{flag(event.connected)}", "gaps=#{event.gaps}",
     "cause=#{CAUSES.fetch(event.cause, event.cause)}"]
  end

  def loss(event)
    ["loss", "publishes=#{event.publishes}", "messages=#{event.messages}", "unknown=#{event.publishes_unknown}",
     "cause=#{CAUSES.fetch(event.cause, event.cause)}", "local=#{flag(event.local)}"]
  end

  def flag(value)
    value ? 1 : 0
  end
end
